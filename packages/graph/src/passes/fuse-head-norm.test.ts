import { expect, it } from 'vitest'
import type { Graph } from '../graph.js'
import { add, attention, headRmsNorm, heads, linear, plainHeadRmsNorm, rope } from '../layers.js'
import { beforeAfter, smallGraph } from '../testing/small-graph.js'
import { flattened } from '../value.js'
import { fuseHeadNorm } from './fuse-head-norm.js'
import { fuseRopeKvWrite } from './fuse-rope-kv-write.js'

const rotation = {
  kind: 'default',
  rotaryDim: 4,
  base: 100,
  interleaved: false,
  attentionFactor: 1,
  inverseFrequencies: [Float32Array.of(1, 0.01)],
}

interface Variation {
  readonly epsOfQ?: number
  readonly readsNormTwice?: boolean
  readonly isPlain?: boolean
}

function attending({ epsOfQ = 0.5, readsNormTwice = false, isPlain = false }: Variation = {}): Graph {
  const graph = smallGraph((m, x, { positions }) => {
    const projected = linear(m.at('q'), x, heads(2, 4))
    const q = isPlain
      ? plainHeadRmsNorm(m, projected, epsOfQ)
      : headRmsNorm(m.at('q_norm'), projected, epsOfQ)
    const k = headRmsNorm(m.at('k_norm'), linear(m.at('k'), x, heads(2, 4)), 0.5)
    const v = linear(m.at('v'), x, heads(2, 4))
    const turned = [q, k].map((value) => rope(m, value, positions, rotation))
    const y = attention(m.at('attention'), turned[0]!, turned[1]!, v, { scale: 0.5 })
    return readsNormTwice ? add(m, y, flattened(q)) : y
  })
  return fuseRopeKvWrite.run(graph)
}

it('puts the norms of q and k into the op that rotates and writes them', () => {
  const { before, after } = beforeAfter(attending(), fuseHeadNorm)
  expect(before).toContain('head-rms-norm')
  const settings =
    'rotaryDim=4 interleaved=0 attentionFactor=1 dynamicFactor=0 dynamicLength=0 base=100 eps=0.5'
  expect(after.split('\n').slice(0, 4)).toEqual([
    '%3 = linear(%2, q.weight, -) -> bf16[tokens,8]',
    '%4 = linear(%2, k.weight, -) -> bf16[tokens,8]',
    '%5 = linear(%2, v.weight, -) -> bf16[tokens,8]',
    `%6, %7 = norm-rope-kv-write(%3[as 2x4], %4[as 2x4], %5[as 2x4], q_norm.weight, k_norm.weight, step.positions, rope.inverse_frequencies, -, step.tokenSlot, slots.pageTable.0, attention.cache) ${settings} -> bf16[tokens,2,4], bf16[pages,2,2,32,4]`,
  ])
})

it.each([{ epsOfQ: 0.25 }, { readsNormTwice: true }, { isPlain: true }])(
  'leaves norms with %j',
  (variation) => {
    const { before, after } = beforeAfter(attending(variation), fuseHeadNorm)
    expect(after).toBe(before)
  },
)
