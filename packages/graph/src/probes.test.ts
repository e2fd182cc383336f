import { expect, it } from 'vitest'
import { compile } from './compile.js'
import { nullPlanDevice } from './plan-device.js'
import { findProbes, probeBytes, probeNamed } from './probes.js'
import { toyConfig, toyLimits, toyLlama } from './testing/toy-llama.js'
import { trace } from './trace.js'

const plan = compile(trace(toyLlama, toyConfig, { dtype: 'bf16' }), {
  limits: toyLimits,
  device: nullPlanDevice,
})

it('finds the logits', () => {
  const logits = probeNamed(plan, 'logits')
  expect(logits).toMatchObject({ dtype: 'f32', rowStride: 96, firstColumn: 0, columns: 96 })
  expect(probeBytes(logits, { tokens: 40, rows: 3, seqs: 3 })).toBe(3 * 96 * 4)
})

it('finds columns of a merged result by the path of the part', () => {
  expect(probeNamed(plan, 'model.layers.1.mlp.up_proj')).toMatchObject({
    rowStride: 256,
    firstColumn: 128,
    columns: 128,
  })
})

it('finds all that match a pattern, and leaves out states', () => {
  const names = findProbes(plan, 'model.layers.1.self_attn*').map(({ name }) => name)
  expect(names).toContain('model.layers.1.self_attn.o_proj')
  expect(names.some((name) => name.includes('cache'))).toBe(false)
  expect(new Set(names).size).toBe(names.length)
})

it('says when there is no such value', () => {
  expect(() => probeNamed(plan, 'model.layers.9.mlp')).toThrow(
    'the plan of ToyForCausalLM has no value model.layers.9.mlp',
  )
})
