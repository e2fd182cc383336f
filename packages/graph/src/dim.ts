import { TrtllmError } from '@trtllm/kernels'

/** Sizes that change from step to step. */
export const stepSymbols = ['tokens', 'rows', 'seqs'] as const
export type StepSymbol = (typeof stepSymbols)[number]

/** Sizes that the limits of a compiled plan fix. `pages` is fixed when cache buffers are bound. */
export const limitSymbols = [
  'slots',
  'slotLength',
  'maxPages',
  'stateWords',
  'maxDeltas',
  'deltaWords',
  'maxCopies',
  'pages',
] as const
export type LimitSymbol = (typeof limitSymbols)[number]

export type DimSymbol = StepSymbol | LimitSymbol
const symbols: readonly DimSymbol[] = [...stepSymbols, ...limitSymbols]

type Terms = Readonly<Partial<Record<DimSymbol, number>>>

/**
 * A size known as a sum of symbols and a constant, e.g. `tokens`, `seqs+1`, `4096`. It is not a number: a model is
 * traced before any step has a size, so comparing or computing with a Dim throws a sentence.
 */
export class Dim {
  private static readonly known = new Map<string, Dim>()
  private static readonly constants = new Map<number, Dim>()
  readonly isConstant: boolean

  private constructor(
    /** The part that no symbol contributes. */
    readonly constant: number,
    private readonly terms: Terms,
    private readonly text: string,
  ) {
    this.isConstant = text === String(constant)
  }

  static of(constant: number): Dim {
    if (!Number.isSafeInteger(constant) || constant < 0) {
      throw new TrtllmError('out_of_range', `a size is a whole number of at least 0, not ${constant}`)
    }
    const dim = Dim.constants.get(constant) ?? Dim.sum(constant, {})
    Dim.constants.set(constant, dim)
    return dim
  }

  static symbol(name: DimSymbol): Dim {
    return Dim.sum(0, { [name]: 1 })
  }

  /** `size` itself if it is a Dim already. */
  static from(size: number | Dim): Dim {
    return typeof size === 'number' ? Dim.of(size) : size
  }

  /** Each sum is made once: a large model has the same few sizes thousands of times. */
  private static sum(constant: number, terms: Terms): Dim {
    const parts: string[] = []
    for (const symbol of symbols) {
      const count = terms[symbol]
      if (count) parts.push(count === 1 ? symbol : `${count}*${symbol}`)
    }
    if (constant !== 0 || parts.length === 0) parts.push(String(constant))
    const text = parts.join('+')
    const dim = Dim.known.get(text) ?? new Dim(constant, terms, text)
    Dim.known.set(text, dim)
    return dim
  }

  coefficient(symbol: DimSymbol): number {
    return this.terms[symbol] ?? 0
  }

  plus(other: number | Dim): Dim {
    const { constant, terms } = Dim.from(other)
    const sum: Partial<Record<DimSymbol, number>> = { ...this.terms }
    for (const symbol of symbols) {
      if (terms[symbol]) sum[symbol] = this.coefficient(symbol) + terms[symbol]
    }
    return Dim.sum(this.constant + constant, sum)
  }

  times(factor: number): Dim {
    const entries = Object.entries(this.terms).map(([symbol, count]) => [symbol, count * factor])
    return Dim.sum(this.constant * factor, Object.fromEntries(entries))
  }

  /** This size with some symbols replaced by numbers. */
  with(sizes: Terms): Dim {
    if (this.isConstant) return this
    let constant = this.constant
    const terms: Partial<Record<DimSymbol, number>> = {}
    for (const symbol of symbols) {
      const count = this.coefficient(symbol)
      if (count === 0) continue
      const size = sizes[symbol]
      if (size === undefined) terms[symbol] = count
      else constant += count * size
    }
    return Dim.sum(constant, terms)
  }

  /** The number this size is; `owner` names what has it in the error when it is symbolic. */
  toConstant(owner: string): number {
    if (!this.isConstant) {
      throw new TrtllmError(
        'invalid_type',
        `${owner}: its size is ${this}, which is not known while a model is traced; a constant is needed here`,
      )
    }
    return this.constant
  }

  equals(other: Dim): boolean {
    return this.text === other.text
  }

  toString(): string {
    return this.text
  }

  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.text
    throw new TrtllmError(
      'invalid_type',
      `the size ${this} is symbolic and has no number while a model is traced: take sizes from the config`,
    )
  }
}

/** `[tokens,32,64]` */
export const shapeText = (shape: readonly Dim[]): string => `[${shape.join(',')}]`

export const sameShape = (a: readonly Dim[], b: readonly Dim[]): boolean =>
  a.length === b.length && a.every((dim, axis) => dim.equals(b[axis]!))
