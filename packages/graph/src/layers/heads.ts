/** A width that is split between ranks by whole heads only. */
export interface Heads {
  readonly count: number
  readonly size: number
}

/** `count` heads of `size` elements, as the width of a linear layer. */
export const heads = (count: number, size: number): Heads => ({ count, size })
