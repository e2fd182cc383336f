import { ops, TrtllmError } from '@trtllm/kernels'
import { headShareOf } from '../mesh.js'
import type { Scope } from '../scope.js'
import { flattened, type Value } from '../value.js'

/** Sizes of multi-head latent attention, those of all ranks. */
export interface LatentAttentionOptions {
  readonly numHeads: number
  /** Elements of a head's value. */
  readonly valueDim: number
  /** Factor of a score. */
  readonly scale: number
}

/** The parts of a query and of what is cached: without positions, and rotated. */
export interface LatentAttentionInputs {
  /** [tokens, heads, nopeDim] */
  readonly q: Value
  /** [tokens, heads, ropeDim] */
  readonly qPe: Value
  /** [tokens, rank]: keys and values of every head are linear in it. */
  readonly latent: Value
  /** [tokens, 1, ropeDim]: the part of a key that all heads share. */
  readonly pe: Value
}

/**
 * Causal multi-head latent attention (DeepSeek-V2, arXiv 2405.04434) over all the sequence has cached, this step's latent
 * and pe included, which it writes there. `m.weight` [heads * (nopeDim + valueDim), rank] makes a head's key and, below it,
 * its value of a latent: score = scale * (q . key + qPe . pe). -> [tokens, heads * valueDim]. Records a cache of one latent
 * vector a token, the same on every rank.
 */
export function latentAttention(
  m: Scope,
  inputs: LatentAttentionInputs,
  options: LatentAttentionOptions,
): Value {
  const { q, qPe, latent, pe } = inputs
  const { numHeads, valueDim, scale } = options
  const { recorder } = m
  const share = headShareOf(recorder.mesh, numHeads, m.path)
  const size = (value: Value, axis: number): number => value.shape[axis]!.toConstant(value.path)
  if (size(q, 1) !== share.count) {
    throw new TrtllmError('invalid_type', `${m.path}: ${q} has not the ${share.count} heads of this rank`)
  }
  const [rank, unit] = [latent.rowWidth, size(q, 2) + valueDim]
  const content = { kind: 'latent', width: rank + size(pe, 2) } as const
  const weight = m.param('weight', {
    kind: 'table',
    rows: share.count * unit,
    columns: rank,
    source: {
      name: m.at('weight').path,
      rows: numHeads * unit,
      columns: rank,
      ...(share.count < numHeads && {
        slice: { firstRow: share.from * unit, rows: share.count * unit, firstColumn: 0, columns: rank },
      }),
    },
  })
  const { tokenSlot, positions, seqSlot, seqStart, seqContext } = recorder.step
  const found = recorder.cache(m.path, content, 0)
  const pageTable = recorder.step.pageTable(found.pool)
  const written = m.call(
    ops.latentWrite,
    { latent, pe, tokenSlot, positions, pageTable, cache: found.cache },
    {},
  )
  const read = { q, qPe, weight, seqSlot, seqStart, seqContext, pageTable, cache: written.cache }
  return flattened(m.call(ops.latentAttention, read, { scale, valueDim }).y)
}
