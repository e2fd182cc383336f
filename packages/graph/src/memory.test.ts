import { expect, it } from 'vitest'
import { compile } from './compile.js'
import { fixedBytes, tokensThatFit } from './memory.js'
import { nullPlanDevice } from './plan-device.js'
import { toyConfig, toyLimits, toyLlama } from './testing/toy-llama.js'
import { trace } from './trace.js'

const plan = compile(trace(toyLlama, toyConfig, { dtype: 'bf16' }), {
  limits: toyLimits,
  device: nullPlanDevice,
})

it('counts a token in every cache', () => {
  // 2 layers x (keys and values) x 2 heads x 16 elements x 2 bytes
  expect(plan.memory.kvBytesPerToken).toBe(2 * 2 * 2 * 16 * 2)
})

it('fills what the rest leaves with whole pages', () => {
  const fixed = fixedBytes(plan.memory)
  const pageOfAll = plan.memory.kvBytesPerToken * 32
  expect(tokensThatFit(plan, fixed + 3 * pageOfAll)).toBe(96)
  expect(tokensThatFit(plan, fixed + 3 * pageOfAll - 1)).toBe(64)
  expect(tokensThatFit(plan, 1000)).toBe(0)
})
