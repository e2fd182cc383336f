import {
  compile,
  compilePageCopies,
  defineModel,
  instantiate,
  pageTokens,
  probeNamed,
  trace,
} from '@trtllm/graph'
import {
  add,
  attention,
  embed,
  gatherRows,
  heads,
  linear,
  lmHead,
  mul,
  rmsNorm,
  rope,
  silu,
} from '@trtllm/graph/layers'
import { type Device, dtypeBytes } from '@trtllm/kernels'
import type { CompiledModel } from '../src/compiled-model.js'
import { deltaCapacity } from '../src/scheduler/budget.js'

export interface ToySizes {
  readonly maxBatchSize: number
  readonly maxNumTokens: number
  /** KV pages of each pool. */
  readonly pages: number
}

const vocabSize = 96
const hidden = 64
const headDim = 16
const maxSeqLen = 192

const rotation = {
  kind: 'default',
  rotaryDim: headDim,
  headDim,
  base: 10000,
  interleaved: false,
  attentionFactor: 1,
  inverseFrequencies: [Float32Array.from({ length: headDim / 2 }, (_, i) => 10000 ** ((-2 * i) / headDim))],
}

/** Two decoder layers, the second with a window, so that there are two page pools. */
const toy = defineModel({
  architectures: ['ToyForCausalLM'],
  config: (config: null) => config,
  forward(m, _config, step) {
    let x = embed(m.at('embed'), step.tokens, vocabSize, hidden)
    let window = 0
    for (const layer of m.each('layers', 2)) {
      const normed = rmsNorm(layer.at('norm1'), x, 1e-5)
      const q = linear(layer.at('q'), normed, heads(4, headDim), { split: 'out' })
      const k = linear(layer.at('k'), normed, heads(2, headDim), { split: 'out' })
      const v = linear(layer.at('v'), normed, heads(2, headDim), { split: 'out' })
      const turn = (value: typeof q) => rope(layer, value, step.positions, rotation)
      const y = attention(layer, turn(q), turn(k), v, { scale: 0.25, window })
      x = add(layer, x, linear(layer.at('o'), y, hidden, { split: 'in' }))
      const inner = rmsNorm(layer.at('norm2'), x, 1e-5)
      const gate = silu(layer, linear(layer.at('gate'), inner, 128, { split: 'out' }))
      const up = linear(layer.at('up'), inner, 128, { split: 'out' })
      x = add(layer, x, linear(layer.at('down'), mul(layer, gate, up), hidden, { split: 'in' }))
      window = 40
    }
    x = rmsNorm(m.at('norm'), gatherRows(m, x, step.logitRows), 1e-5)
    return lmHead(m.at('head'), x, vocabSize, {})
  },
})

/** A compiled model of random weights (the same for every call) with its buffers; dispose when its engine is closed. */
export function openToyModel(
  device: Device,
  { maxBatchSize, maxNumTokens, pages }: ToySizes,
): CompiledModel & Disposable {
  const { least: _, ...deltas } = deltaCapacity({ maxBatchSize, maxNumTokens, pageTokens, numPools: 2 })
  const limits = {
    maxTokens: maxNumTokens,
    maxRows: maxBatchSize,
    maxSeqs: maxBatchSize,
    numSlots: maxBatchSize + 1,
    maxSeqLen,
    ...deltas,
  }
  const compiled = compile(trace(toy, null, { dtype: 'f32' }), { limits, device })
  const weights = device.allocate(compiled.memory.weightsBytes, 'weights')
  for (const [index, { dtype, offset, bytes }] of compiled.params.entries()) {
    device.fillGaussian(weights, { offset, dtype, count: bytes / dtypeBytes[dtype] }, 0.3, index)
  }
  const state = device.allocate(compiled.memory.stateBytes, 'slot state')
  state.fill(0)
  const caches = compiled.pools.map((pool) =>
    pool.caches.map((path) => device.allocate(pool.pageBytes * pages, path)),
  )
  const plan = instantiate(compiled, { device, weights, caches, state })
  const pageCopies = instantiate(compilePageCopies(compiled, device), { device, weights, caches, state })
  return {
    device,
    plan,
    pageCopies,
    layout: compiled.layout,
    pools: compiled.pools.map(({ window }) => ({ pages, pageTokens, window })),
    vocabSize,
    eosIds: [0],
    maxSeqLen,
    logitsOperand: probeNamed(compiled, 'logits').operand,
    info: {
      name: 'toy',
      architecture: 'ToyForCausalLM',
      vocabSize,
      maxSeqLen,
      maxBatchSize,
      maxNumTokens,
      eosIds: [0],
      dtype: 'f32',
      device: { kind: device.kind, name: device.name },
      memory: { ...compiled.memory, kvBytes: pages * pageTokens * compiled.memory.kvBytesPerToken },
      kvTokens: pages * pageTokens,
    },
    [Symbol.dispose]() {
      plan[Symbol.dispose]()
      pageCopies[Symbol.dispose]()
      for (const buffer of [weights, state, ...caches.flat()]) buffer[Symbol.dispose]()
    },
  }
}
