import { expect, it } from 'vitest'
import type { Graph } from '../graph.js'
import { add, attention, heads, linear, rope } from '../layers.js'
import { beforeAfter, smallGraph } from '../testing/small-graph.js'
import { flattened } from '../value.js'
import { fuseRopeKvWrite } from './fuse-rope-kv-write.js'

const rotation = (base: number) => ({
  kind: 'default',
  rotaryDim: 4,
  base,
  interleaved: false,
  attentionFactor: 1,
  inverseFrequencies: [Float32Array.of(1, 1 / base)],
})

function attending(baseOfQ: number, readsKTwice = false): Graph {
  return smallGraph((m, x, { positions }) => {
    const q = rope(m, linear(m.at('q'), x, heads(2, 4)), positions, rotation(baseOfQ))
    const k = rope(m, linear(m.at('k'), x, heads(2, 4)), positions, rotation(100))
    const v = linear(m.at('v'), x, heads(2, 4))
    const y = attention(m.at('attention'), q, k, v, { scale: 0.5 })
    return readsKTwice ? add(m, y, flattened(k)) : y
  })
}

it('makes one op of two ropes and the write of k and v', () => {
  const { before, after } = beforeAfter(attending(100), fuseRopeKvWrite)
  const settings = 'rotaryDim=4 interleaved=0 attentionFactor=1 dynamicFactor=0 dynamicLength=0 base=100'
  expect(before).toBe(
    [
      '%3 = linear(%2, q.weight, -) -> bf16[tokens,8]',
      `%4 = rope(%3[as 2x4], step.positions, rope.inverse_frequencies, -) ${settings} -> bf16[tokens,2,4]`,
      '%5 = linear(%2, k.weight, -) -> bf16[tokens,8]',
      `%6 = rope(%5[as 2x4], step.positions, rope.inverse_frequencies, -) ${settings} -> bf16[tokens,2,4]`,
      '%7 = linear(%2, v.weight, -) -> bf16[tokens,8]',
      '%8 = kv-write(%6, %7[as 2x4], step.tokenSlot, step.positions, slots.pageTable.0, attention.cache) -> bf16[pages,2,2,32,4]',
      '%9 = paged-attention(%4, step.seqSlot, step.seqStart, step.seqContext, slots.pageTable.0, %8, -) scale=0.5 window=0 softcap=0 -> bf16[tokens,2,4]',
      'y = %9[as 8]',
    ].join('\n'),
  )
  expect(after).toBe(
    [
      '%3 = linear(%2, q.weight, -) -> bf16[tokens,8]',
      '%4 = linear(%2, k.weight, -) -> bf16[tokens,8]',
      '%5 = linear(%2, v.weight, -) -> bf16[tokens,8]',
      `%6, %7 = rope-kv-write(%3[as 2x4], %4[as 2x4], %5[as 2x4], step.positions, rope.inverse_frequencies, -, step.tokenSlot, slots.pageTable.0, attention.cache) ${settings} -> bf16[tokens,2,4], bf16[pages,2,2,32,4]`,
      '%8 = paged-attention(%6, step.seqSlot, step.seqStart, step.seqContext, slots.pageTable.0, %7, -) scale=0.5 window=0 softcap=0 -> bf16[tokens,2,4]',
      'y = %8[as 8]',
    ].join('\n'),
  )
})

it('leaves q and k that are rotated differently', () => {
  const { before, after } = beforeAfter(attending(200), fuseRopeKvWrite)
  expect(before).toContain('rope.inverse_frequencies.1')
  expect(after).toBe(before)
})

it('leaves a rotated k that others read', () => {
  const { before, after } = beforeAfter(attending(100, true), fuseRopeKvWrite)
  expect(after).toBe(before)
})
