import { expect, it } from 'vitest'
import { diagnose } from '../src/doctor/diagnoses.js'
import type { Verdict } from '../src/doctor/diagnosis.js'
import type { Facts } from '../src/doctor/facts.js'

/** [what is wrong, machine, name of the diagnosis, verdict, found, remedy] */
export type DoctorCase = [string, Facts, string, Verdict, RegExp, RegExp]

/** Tests that each machine gets its finding, and that nothing bad on it is without a remedy. */
export function testCases(cases: readonly DoctorCase[]): void {
  it.each(cases)('%s', (_, facts, name, verdict, found, remedy) => {
    const lines = diagnose(facts)
    const line = lines.find((one) => one.name === name)!
    expect(line.verdict).toBe(verdict)
    expect(line.found).toMatch(found)
    expect(line.remedy).toMatch(remedy)
    expect(lines.filter((one) => one.verdict !== 'ok' && !one.remedy)).toEqual([])
  })
}
