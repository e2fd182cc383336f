import { fixedBytes, pageTokens, printGraph, printPlan } from '@trtllm/graph'
import { workspaceBytes } from 'trtllm/plan-model'
import type { PlannedModel } from './plan-model-memory.js'

const kibibyte = 2 ** 10
const mebibyte = 2 ** 20
const gibibyte = 2 ** 30

/** The plan as stable text; its nodes only where `graph` says so. */
export function planText({ compiled }: PlannedModel, { graph }: { readonly graph: boolean }): string {
  const whole = printPlan(compiled)
  return graph ? whole : whole.slice(0, -printGraph(compiled.graph).length - 1)
}

/** How a device's memory would be used, as text that ends with a newline. */
export function memoryText(planned: PlannedModel): string {
  const { compiled, offer, sizes, wantedSizes, pages, kvBytes, refusal } = planned
  const { memory, graph } = compiled
  const tokens = pages * pageTokens
  const isShortened = sizes.maxSeqLen < wantedSizes.maxSeqLen
  const { contextBytes = 0 } = offer
  const beside = besideCache(planned)
  const all = offer.freeBytes + contextBytes
  const left = all - beside - kvBytes
  const rows: (readonly [string, string, string?])[] = [
    ['memory', size(all), graph.mesh.size === 1 ? offer.name : `${offer.name}, each rank`],
    ['weights', size(memory.weightsBytes)],
    ['activations', size(memory.arenaBytes), `of a step of ${grouped(sizes.maxNumTokens)} tokens`],
    ['slot state', size(memory.stateBytes), `of ${grouped(sizes.maxBatchSize)} sequences`],
    ['steps', size(2 * memory.stepBytes), 'two in flight'],
    ['kernels', size(workspaceBytes(compiled, offer.kind)), 'while they run'],
    ...(contextBytes > 0 ? ([['context', size(contextBytes), 'of CUDA']] as const) : []),
    ['beside the cache', size(beside), 'sum of these'],
    ['KV cache', size(kvBytes), `${grouped(pages)} pages of ${pageTokens} tokens`],
    [left < 0 ? 'missing' : 'left over', size(Math.abs(left))],
    ['KV a token', size(memory.kvBytesPerToken)],
    ['tokens that fit', grouped(tokens)],
    [
      'sequence length',
      grouped(sizes.maxSeqLen),
      isShortened ? `of ${grouped(wantedSizes.maxSeqLen)}: no more fit` : '',
    ],
    ['at full length', grouped(Math.floor(tokens / sizes.maxSeqLen)), 'sequences at once'],
  ]
  const names = Math.max(...rows.map(([name]) => name.length))
  const values = Math.max(...rows.map(([, value]) => value.length))
  const lines = rows.map(([name, value, note = '']) =>
    `${name.padEnd(names)}  ${value.padStart(values)}  ${note}`.trimEnd(),
  )
  return ['memory plan', ...lines, ...(refusal ? ['', `does not fit: ${refusal}`] : [])]
    .join('\n')
    .concat('\n')
}

/** The plan as JSON data; bytes are plain numbers. */
export function planJson(planned: PlannedModel, { graph }: { readonly graph: boolean }) {
  const { name, architecture, compiled, offer, sizes, pages, kvBytes, refusal } = planned
  const { memory, pools, nodes, device } = compiled
  return {
    model: name,
    architecture,
    dtype: compiled.graph.dtype,
    device: device.kind,
    mesh: compiled.graph.mesh,
    passes: compiled.graph.passes,
    sizes,
    nodes: nodes.length,
    memory: {
      ...memory,
      fixedBytes: fixedBytes(memory),
      workspaceBytes: workspaceBytes(compiled, offer.kind),
      contextBytes: offer.contextBytes ?? 0,
      besideCacheBytes: besideCache(planned),
    },
    pools: pools.map(({ content, dtype, window, caches, pageBytes }) => ({
      ...{ ...content, dtype, window, pageBytes },
      caches: caches.length,
    })),
    offer: { name: offer.name, freeBytes: offer.freeBytes },
    kvCache: { bytes: kvBytes, pages, pageTokens, tokens: pages * pageTokens },
    fits: refusal === undefined,
    ...(refusal !== undefined && { refusal }),
    ...(graph && { plan: printPlan(compiled) }),
  }
}

/** All that a device holds but the KV cache, in bytes: what its driver shows, less the cache. */
const besideCache = ({ compiled, offer }: PlannedModel): number =>
  fixedBytes(compiled.memory) +
  compiled.memory.stepBytes +
  workspaceBytes(compiled, offer.kind) +
  (offer.contextBytes ?? 0)

/** 1234567 -> 1,234,567 */
const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',')

function size(bytes: number): string {
  if (bytes >= gibibyte / 10) return `${(bytes / gibibyte).toFixed(2)} GiB`
  return bytes >= mebibyte ? `${(bytes / mebibyte).toFixed(2)} MiB` : `${(bytes / kibibyte).toFixed(2)} KiB`
}
