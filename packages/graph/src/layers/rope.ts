import { ops, TrtllmError } from '@trtllm/kernels'
import type { Scope } from '../scope.js'
import type { Value } from '../value.js'

/** A rotary embedding, ready to apply; the config of a model computes it once. */
export interface RopeConfig {
  readonly kind: string
  /** Leading elements of each head that are rotated. */
  readonly rotaryDim: number
  readonly headDim?: number
  readonly base: number
  /** Pairs are (2i, 2i + 1) instead of (i, i + rotaryDim / 2). */
  readonly interleaved: boolean
  /** Factor of cos and sin. */
  readonly attentionFactor: number
  /** rotaryDim / 2 numbers each; a second table is for sequences that the step marks as long. */
  readonly inverseFrequencies: readonly Float32Array[]
  /** Dynamic NTK: beyond `length` positions the base grows by `factor`. */
  readonly dynamic?: { readonly factor: number; readonly length: number } | undefined
}

/** Rotates the heads of x by their positions: [tokens, heads, headDim] -> the same. */
export function rope(m: Scope, x: Value, positions: Value, config: RopeConfig): Value {
  const variants = config.inverseFrequencies.length
  return m.call(
    ops.rope,
    {
      x,
      positions,
      inverseFrequencies: tableOf(m, config),
      variant: variants > 1 ? m.recorder.step.ropeVariant : undefined,
    },
    {
      rotaryDim: config.rotaryDim,
      interleaved: config.interleaved ? 1 : 0,
      attentionFactor: config.attentionFactor,
      dynamicFactor: config.dynamic?.factor ?? 0,
      dynamicLength: config.dynamic?.length ?? 0,
      base: config.base,
    },
  ).y
}

/** One table for all layers that rotate alike. */
function tableOf(m: Scope, { inverseFrequencies, rotaryDim }: RopeConfig): Value {
  const half = rotaryDim / 2
  const wrong = inverseFrequencies.find((table) => table.length !== half)
  if (inverseFrequencies.length === 0 || wrong) {
    throw new TrtllmError(
      'contradictory_config',
      `${m.path}: rope of ${rotaryDim} elements needs tables of ${half} inverse frequencies, found ${wrong?.length ?? 'none'}`,
    )
  }
  const values = new Float32Array(inverseFrequencies.length * half)
  for (const [variant, table] of inverseFrequencies.entries()) values.set(table, variant * half)
  return m.recorder.params.derive('rope.inverse_frequencies', inverseFrequencies.length, half, values).value
}
