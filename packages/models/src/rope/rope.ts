/**
 * Rotary position embedding of one attention layer, ready for the `rope` op: which elements of a head rotate, by
 * which inverse frequencies, and how cos and sin are scaled.
 */
export interface Rope {
  readonly kind: RopeKind
  /** Leading elements of each head that rotate; the rest pass through. */
  readonly rotaryDim: number
  /** True where element 2i pairs with 2i+1; false where i pairs with i + rotaryDim / 2. */
  readonly interleaved: boolean
  readonly base: number
  /** f32 tables of rotaryDim / 2 numbers. Longrope has two (short, long), every other kind one. */
  readonly inverseFrequencies: readonly Float32Array[]
  /** Factor on cos and sin. */
  readonly attentionFactor: number
  /** Dynamic NTK: beyond `length` tokens, position p takes the base that belongs to a text of p + 1 tokens. */
  readonly dynamic?: { readonly factor: number; readonly length: number }
  /** Longrope: a request of more tokens than this (prompt + max new) uses table 1 for all its positions. */
  readonly longAbove?: number
}

export const ropeKinds = ['default', 'linear', 'dynamic', 'yarn', 'longrope', 'llama3'] as const
export type RopeKind = (typeof ropeKinds)[number]

/** Numbers every kind starts from. */
export interface RopeShape {
  readonly rotaryDim: number
  readonly base: number
}

/** What a kind contributes: its tables and, where it differs from 1, its factor on cos and sin. */
export interface RopeTables {
  readonly inverseFrequencies: readonly Float32Array[]
  readonly attentionFactor: number
}

/** Index of the table for a request of `totalTokens` (prompt and output together); it holds for the whole request. */
export const ropeTableOf = ({ longAbove }: Rope, totalTokens: number): number =>
  longAbove !== undefined && totalTokens > longAbove ? 1 : 0
