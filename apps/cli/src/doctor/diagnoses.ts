import type { Diagnosis, Finding } from './diagnosis.js'
import type { Facts } from './facts.js'
import { gpuDiagnoses } from './gpu-diagnoses.js'
import { servingDiagnoses } from './serving-diagnoses.js'
import { systemDiagnoses } from './system-diagnoses.js'

/** Every diagnosis, causes before effects. A new one is an object in one of these lists. */
export const diagnoses: readonly Diagnosis[] = [...systemDiagnoses, ...gpuDiagnoses, ...servingDiagnoses]

/** A finding and whose it is. */
export interface Line extends Finding {
  readonly name: string
  readonly questions: Diagnosis['questions']
}

/** Judges a machine. */
export const diagnose = (facts: Facts): Line[] =>
  diagnoses.map((diagnosis) => {
    const { name, questions } = diagnosis
    return { name, questions, ...diagnosis.check(facts) }
  })
