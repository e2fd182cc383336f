import { expect, it } from 'vitest'
import { compile } from './compile.js'
import { nullPlanDevice } from './plan-device.js'
import { printPlan } from './print-plan.js'
import { toyConfig, toyLimits, toyLlama } from './testing/toy-llama.js'
import { type TraceOptions, trace } from './trace.js'

const textOf = (options: Omit<TraceOptions, 'dtype'>): string =>
  printPlan(
    compile(trace(toyLlama, toyConfig, { dtype: 'bf16', ...options }), {
      limits: toyLimits,
      device: nullPlanDevice,
    }),
  )

it.each([
  ['toy', {}],
  ['toy-without-passes', { disabledPasses: ['all'] }],
  ['toy-rank-1-of-2', { mesh: { size: 2, rank: 1 } }],
] as const)('prints the plan of %s as its golden says', async (name, options) => {
  await expect(textOf(options)).toMatchFileSnapshot(`../goldens/${name}.plan.txt`)
})
