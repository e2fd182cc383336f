import { expect, it } from 'vitest'
import { compile } from '../compile.js'
import { defineModel } from '../define-model.js'
import { paramsOf } from '../graph.js'
import { embed, gatherRows, heads, latentAttention, linear, lmHead, rope } from '../layers.js'
import type { Mesh } from '../mesh.js'
import { compilePageCopies } from '../page-copies.js'
import { nullPlanDevice } from '../plan-device.js'
import { printPlan } from '../print-plan.js'
import { toyLimits } from '../testing/toy-llama.js'
import { trace } from '../trace.js'
import { columnsOf, partOfHeads, reshaped } from '../value.js'

const rotation = {
  kind: 'default',
  rotaryDim: 4,
  base: 100,
  interleaved: true,
  attentionFactor: 1,
  inverseFrequencies: [Float32Array.of(1, 0.1)],
}

/** Two layers of four heads of 6 + 4, values of 5, over a latent of 8 + 4. */
const model = defineModel({
  architectures: ['LatentToy'],
  config: (numHeads: number) => numHeads,
  forward(m, numHeads, step) {
    let x = embed(m.at('embed'), step.tokens, 32, 16)
    for (const layer of m.each('layers', 2)) {
      const q = linear(layer.at('q'), x, heads(numHeads, 10), { split: 'out' })
      const joint = linear(layer.at('kv'), x, 12)
      const pe = rope(layer, reshaped(columnsOf(joint, 8, 4), [1, 4]), step.positions, rotation)
      const qPe = rope(layer, partOfHeads(q, 6, 4), step.positions, rotation)
      const parts = { q: partOfHeads(q, 0, 6), qPe, latent: columnsOf(joint, 0, 8), pe }
      const y = latentAttention(layer.at('b'), parts, { numHeads: 4, valueDim: 5, scale: 0.5 })
      x = linear(layer.at('o'), y, 16, { split: 'in' })
    }
    return lmHead(m.at('head'), gatherRows(m, x, step.logitRows), 32)
  },
})

const graphOf = (mesh: Mesh, numHeads = 4) => trace(model, numHeads, { dtype: 'bf16', mesh })
const planOf = (mesh: Mesh) => compile(graphOf(mesh), { limits: toyLimits, device: nullPlanDevice })

it('keeps one latent vector a token, the same on every rank', () => {
  for (const size of [1, 2, 4]) {
    const { pools, memory } = planOf({ size, rank: size - 1 })
    expect(pools).toEqual([
      {
        content: { kind: 'latent', width: 12 },
        dtype: 'bf16',
        window: 0,
        caches: ['layers.0.b', 'layers.1.b'],
        pageBytes: 32 * 12 * 2,
      },
    ])
    expect(memory.kvBytesPerToken).toBe(2 * 12 * 2)
  }
  expect(printPlan(planOf({ size: 1, rank: 0 }))).toContain(
    '0  2 caches of a latent of 12, no window, 1,536 bytes for 32 tokens',
  )
})

it('gives each rank the rows of its heads', () => {
  const weight = paramsOf(graphOf({ size: 2, rank: 1 })).find(({ path }) => path === 'layers.0.b.weight')!
  expect([weight.kind, weight.rows, weight.columns]).toEqual(['table', 22, 8])
  expect(weight.sources).toEqual([
    {
      ...{ name: 'layers.0.b.weight', rows: 44, columns: 8, firstRow: 0 },
      slice: { firstRow: 22, rows: 22, firstColumn: 0, columns: 8 },
    },
  ])
})

it('reads parts of heads with the strides of the whole', () => {
  const { nodes, operands } = planOf({ size: 1, rank: 0 })
  const q = operands[nodes.find(({ op }) => op === 'latent-attention')!.operands[0]!]!
  expect(q.shape.map(({ constant, tokens }) => constant + tokens)).toEqual([1, 4, 6])
  // q and the joint projection of layer 0 are one linear of 40 + 12 columns.
  expect(q.strides).toEqual([52, 10, 1])
})

it('copies its pages as one run', () => {
  const { nodes, operands } = compilePageCopies(planOf({ size: 1, rank: 0 }), nullPlanDevice)
  expect(nodes.map(({ op }) => op)).toEqual(['copy-pages', 'copy-pages'])
  const cache = operands[nodes[1]!.operands[3]!]!
  expect(cache.buffer).toEqual({ kind: 'cache', pool: 0, index: 1 })
  expect(cache.shape.slice(1).map(({ constant }) => constant)).toEqual([1, 32, 12])
})

it('refuses queries of another number of heads', () => {
  expect(() => graphOf({ size: 1, rank: 0 }, 2)).toThrow('has not the 4 heads of this rank')
})
