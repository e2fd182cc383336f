import { expect, it } from 'vitest'
import type { Graph } from '../graph.js'
import { heads, latentAttention, linear, rmsNorm, rope } from '../layers.js'
import { beforeAfter, smallGraph } from '../testing/small-graph.js'
import { columnsOf, partOfHeads, reshaped } from '../value.js'
import { fuseLatentWrite } from './fuse-latent-write.js'

const rotation = (base: number) => ({
  kind: 'default',
  rotaryDim: 4,
  base,
  interleaved: true,
  attentionFactor: 1,
  inverseFrequencies: [Float32Array.of(1, 1 / base)],
})

/** Two heads of 6 + 4, values of 5, a latent of 8. */
function attending(baseOfQ: number, isRotatedTwice = false): Graph {
  return smallGraph((m, x, { positions }) => {
    const q = linear(m.at('q'), x, heads(2, 10))
    const joint = linear(m.at('kv'), x, 12)
    const latent = rmsNorm(m.at('norm'), columnsOf(joint, 0, 8), 1e-6)
    const turned = rope(m, reshaped(columnsOf(joint, 8, 4), [1, 4]), positions, rotation(100))
    const pe = isRotatedTwice ? rope(m, turned, positions, rotation(100)) : turned
    const qPe = rope(m, partOfHeads(q, 6, 4), positions, rotation(baseOfQ))
    const parts = { q: partOfHeads(q, 0, 6), qPe, latent, pe }
    return latentAttention(m.at('b'), parts, { numHeads: 2, valueDim: 5, scale: 0.5 })
  })
}

it('makes one op of the norm, the ropes and the write', () => {
  const { before, after } = beforeAfter(attending(100), fuseLatentWrite)
  const settings = 'rotaryDim=4 interleaved=1 attentionFactor=1 dynamicFactor=0 dynamicLength=0 base=100'
  expect(before).toBe(
    [
      '%3 = linear(%2, q.weight, -) -> bf16[tokens,20]',
      '%4 = linear(%2, kv.weight, -) -> bf16[tokens,12]',
      '%5 = rms-norm(%4[0:8], norm.weight) eps=0.000001 -> bf16[tokens,8]',
      `%6 = rope(%4[8:12 as 1x4], step.positions, rope.inverse_frequencies, -) ${settings} -> bf16[tokens,1,4]`,
      `%7 = rope(%3[as 2x10][:, 6:10], step.positions, rope.inverse_frequencies, -) ${settings} -> bf16[tokens,2,4]`,
      '%8 = latent-write(%5, %6, step.tokenSlot, step.positions, slots.pageTable.0, b.cache) -> bf16[pages,32,12]',
      '%9 = latent-attention(%3[as 2x10][:, 0:6], %7, b.weight, step.seqSlot, step.seqStart, step.seqContext, slots.pageTable.0, %8) scale=0.5 valueDim=5 -> bf16[tokens,2,5]',
      'y = %9[as 10]',
    ].join('\n'),
  )
  expect(after).toBe(
    [
      '%3 = linear(%2, q.weight, -) -> bf16[tokens,20]',
      '%4 = linear(%2, kv.weight, -) -> bf16[tokens,12]',
      `%5, %6 = norm-rope-latent-write(%3[as 2x10][:, 6:10], %4[0:8], %4[8:12 as 1x4], norm.weight, step.positions, rope.inverse_frequencies, -, step.tokenSlot, slots.pageTable.0, b.cache) ${settings} eps=0.000001 -> bf16[tokens,2,4], bf16[pages,32,12]`,
      '%7 = latent-attention(%3[as 2x10][:, 0:6], %5, b.weight, step.seqSlot, step.seqStart, step.seqContext, slots.pageTable.0, %6) scale=0.5 valueDim=5 -> bf16[tokens,2,5]',
      'y = %7[as 10]',
    ].join('\n'),
  )
})

it('leaves queries and keys that are rotated differently', () => {
  const { before, after } = beforeAfter(attending(200), fuseLatentWrite)
  expect(after).toBe(before)
})

it('joins only the last of two rotations', () => {
  const { after } = beforeAfter(attending(100, true), fuseLatentWrite)
  expect(after.match(/= rope\(/g)).toHaveLength(1)
  expect(after).toContain('norm-rope-latent-write(%3[as 2x10][:, 6:10], %4[0:8], %5,')
})
