import { expect, it } from 'vitest'
import { nodeCost, type StepWork } from './node-cost.js'
import { toyConfig, toyLlama } from './testing/toy-llama.js'
import { trace } from './trace.js'

const { nodes } = trace(
  toyLlama,
  { ...toyConfig, oddWindow: 64 },
  { dtype: 'bf16', cache: { dtype: 'f8', scalesOf: () => ({ key: 1, value: 1 }) } },
)
const { numHeads: heads, numKvHeads: kvHeads, headDim } = toyConfig
const decode: StepWork = { sizes: { tokens: 5, rows: 5, seqs: 5 }, context: 100 }
const prompt: StepWork = { sizes: { tokens: 40, rows: 1, seqs: 1 }, context: 40 }
const costs = (op: string, step: StepWork) =>
  nodes.filter((node) => node.op.name === op).map((node) => nodeCost(node, step))

it('attention reads what a query sees of an f8 cache, a window what is in it', () => {
  const ofContext = (seen: number) => ({
    bytes: 2 * 5 * heads * headDim * 2 + 2 * 5 * seen * kvHeads * headDim,
    flops: 4 * 5 * heads * headDim * seen,
  })
  expect(costs('paged-attention', decode)).toEqual([ofContext(100), ofContext(64)])
})

it('queries of a prompt see half of each other', () => {
  const pairs = (40 * 41) / 2
  expect(costs('paged-attention', prompt)[0]!.flops).toBe(4 * heads * headDim * pairs)
})

it('a linear reads its weight once, its rows and results in the float type', () => {
  const [rows, columns] = nodes
    .find(({ op }) => op.name === 'linear')!
    .inputs[1]!.shape.map((dim) => dim.constant)
  expect(costs('linear', decode)[0]).toEqual({
    bytes: 2 * (rows! * columns! + 5 * (rows! + columns!)),
    flops: 2 * 5 * rows! * columns!,
  })
})

it('rows that ask for nothing but a sample cost no penalties and no log probabilities', () => {
  const none = { bytes: 0, flops: 0 }
  expect([...costs('penalize', decode), ...costs('logprobs', decode)]).toEqual([none, none])
})
