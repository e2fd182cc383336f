import { ops, TrtllmError } from '@trtllm/kernels'
import { headShareOf } from '../mesh.js'
import type { Scope } from '../scope.js'
import { flattened, type Value } from '../value.js'

export interface AttentionOptions {
  /** Factor of q k^T. */
  readonly scale: number
  /** Positions a token sees, its own included; undefined = all before it. */
  readonly window?: number | undefined
  /** Makes a score softcap * tanh(score / softcap); undefined = as it is. */
  readonly softcap?: number | undefined
  /** A score of each head, f32[heads], that joins the sum weights are divided by; undefined = none. */
  readonly sinks?: Value | undefined
}

/**
 * Causal attention over all the sequence has cached, this step's k and v included, which it writes there:
 * q [tokens, heads, headDim], k and v [tokens, kvHeads, headDim] -> [tokens, heads * headDim]. Records a cache.
 */
export function attention(
  m: Scope,
  q: Value,
  k: Value,
  v: Value,
  { scale, window = 0, softcap = 0, sinks }: AttentionOptions,
): Value {
  const [, heads, headDim] = axesOf(m, 'q', q)
  const [, kvHeads] = axesOf(m, 'k', k)
  if (heads % kvHeads !== 0) {
    throw new TrtllmError(
      'contradictory_config',
      `${m.path}: ${heads} query heads are not a multiple of ${kvHeads} key heads`,
    )
  }
  const { recorder } = m
  const { tokenSlot, positions, seqSlot, seqStart, seqContext } = recorder.step
  const found = recorder.cache(m.path, { kind: 'heads', kvHeads, headDim }, window)
  const pageTable = recorder.step.pageTable(found.pool)
  const scales = { keyScale: found.scales.key, valueScale: found.scales.value }
  const written = { k, v, tokenSlot, positions, pageTable, cache: found.cache }
  const { cache } = m.call(ops.kvWrite, written, scales)
  const inputs = { q, seqSlot, seqStart, seqContext, pageTable, cache, sinks }
  return flattened(m.call(ops.pagedAttention, inputs, { scale, window, softcap, ...scales }).y)
}

function axesOf(m: Scope, name: string, value: Value): [unknown, number, number] {
  if (value.shape.length !== 3) {
    throw new TrtllmError(
      'invalid_type',
      `${m.path}: ${name} is [tokens,heads,headDim], ${value} is not: give its linear a width of heads(count, size)`,
    )
  }
  const path = `${m.path}: ${name}`
  return [value.shape[0], value.shape[1]!.toConstant(path), value.shape[2]!.toConstant(path)]
}

/** The sinks of this rank's heads for `attention`: the weight `name`, f32[heads]. */
export function attentionSinks(m: Scope, name: string, heads: number): Value {
  const { from, count } = headShareOf(m.recorder.mesh, heads, m.path)
  const slice = count === heads ? {} : { slice: { firstRow: from, rows: count, firstColumn: 0, columns: 1 } }
  const source = { name: m.at(name).path, rows: heads, columns: 1, ...slice }
  return m.param(name, { kind: 'vector', rows: count, columns: 1, source, precise: true })
}
