import { poolPageBytes } from './cache-layout.js'
import { contentText } from './cache-spec.js'
import type { CompiledPlan } from './compile.js'
import { fixedBytes } from './memory.js'
import { printGraph } from './print-graph.js'
import { pageTokens } from './step-layout.js'

/** A compiled plan as stable text: what it is of, what memory it takes, its caches, and every node. */
export function printPlan(compiled: CompiledPlan): string {
  const { graph, device, layout, nodes } = compiled
  const { maxTokens, maxRows, maxSeqs, numSlots, maxSeqLen } = layout.limits
  const header = table([
    ['model', graph.name],
    ['dtype', graph.dtype],
    ['mesh', `rank ${graph.mesh.rank} of ${graph.mesh.size}`],
    ['device', `${device.kind}, ${device.matrixLayout} matrices`],
    ['passes', graph.passes.join(', ') || 'none'],
    ['step', `tokens ${maxTokens}, rows ${maxRows}, seqs ${maxSeqs}`],
    ['slots', `${numSlots} of ${maxSeqLen} tokens`],
    ['nodes', String(nodes.length)],
  ])
  return [header, memoryTable(compiled), poolTable(compiled), printGraph(graph)].join('\n')
}

function memoryTable({ memory, params }: CompiledPlan): string {
  const rows: [string, number, string][] = [
    ['weights', memory.weightsBytes, `${params.length} params`],
    ['arena', memory.arenaBytes, memory.arenaFormula],
    ['slot state', memory.stateBytes, ''],
    ['step', memory.stepBytes, 'slab and results'],
    ['fixed', fixedBytes(memory), 'sum of these'],
    ['kv a token', memory.kvBytesPerToken, ''],
  ]
  const width = Math.max(...rows.map(([, bytes]) => grouped(bytes).length))
  return `memory, bytes\n${table(rows.map(([name, bytes, note]) => [name, `${grouped(bytes).padStart(width)}  ${note}`]))}`
}

function poolTable({ graph, pools }: CompiledPlan): string {
  const rows = pools.map((pool, index): [string, string] => [
    String(index),
    `${pool.caches.length} caches of ${contentText(pool.content)}, ` +
      `${pool.window > 0 ? `window ${pool.window}` : 'no window'}, ${pool.dtype === graph.dtype ? '' : `${pool.dtype}, `}` +
      `${grouped(poolPageBytes(pool))} bytes for ${pageTokens} tokens`,
  ])
  return `pools\n${table(rows)}`
}

/** Two columns, the first as wide as its longest. */
function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length))
  return rows
    .map(([name, text]) => `${name.padEnd(width)}  ${text}`.trimEnd())
    .join('\n')
    .concat('\n')
}

/** 1234567 -> 1,234,567 */
const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',')
