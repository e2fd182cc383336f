import { columnsOf, partOfHeads, reshaped, type Scope, type StepValues, type Value } from '@trtllm/graph'
import { heads, latentAttention, linear, type RopeConfig, rmsNorm, rope } from '@trtllm/graph/layers'

export interface LatentAttentionSizes {
  readonly hiddenSize: number
  readonly numHeads: number
  /** Width between the two projections of a query; undefined: one projection. */
  readonly qLoraRank: number | undefined
  readonly kvLoraRank: number
  /** Elements of a head's key without positions, and of the rotated part behind them. */
  readonly nopeDim: number
  readonly ropeDim: number
  readonly valueDim: number
  /** Of the projections from and to the hidden state. */
  readonly attentionBias: boolean
  readonly scale: number
  readonly rope: RopeConfig
}

/** The norms inside have this epsilon whatever the config says of the others. */
const innerEps = 1e-6

/** Multi-head latent attention as DeepSeek-V2 (arXiv 2405.04434) has it, o_proj included. */
export function latentSelfAttention(
  m: Scope,
  c: LatentAttentionSizes,
  x: Value,
  { positions }: StepValues,
): Value {
  const { kvLoraRank, nopeDim, ropeDim, attentionBias: bias } = c
  const q = queries(m, c, x)
  const joint = linear(m.at('kv_a_proj_with_mqa'), x, kvLoraRank + ropeDim, { bias })
  const latent = rmsNorm(m.at('kv_a_layernorm'), columnsOf(joint, 0, kvLoraRank), innerEps)
  const pe = reshaped(columnsOf(joint, kvLoraRank, ropeDim), [1, ropeDim])
  const y = latentAttention(
    m.at('kv_b_proj'),
    {
      q: partOfHeads(q, 0, nopeDim),
      qPe: rope(m, partOfHeads(q, nopeDim, ropeDim), positions, c.rope),
      latent,
      pe: rope(m, pe, positions, c.rope),
    },
    c,
  )
  return linear(m.at('o_proj'), y, c.hiddenSize, { split: 'in', bias })
}

function queries(m: Scope, c: LatentAttentionSizes, x: Value): Value {
  const width = heads(c.numHeads, c.nopeDim + c.ropeDim)
  if (c.qLoraRank === undefined) return linear(m.at('q_proj'), x, width, { split: 'out' })
  const low = linear(m.at('q_a_proj'), x, c.qLoraRank, { bias: c.attentionBias })
  return linear(m.at('q_b_proj'), rmsNorm(m.at('q_a_layernorm'), low, innerEps), width, { split: 'out' })
}
