/** The parts of a computed size, or undefined where the name is that of a size itself. */
export interface ComputedSize {
  readonly of: string
  /** Name of the size, or the number, that comes behind the sign. */
  readonly by: string | number
  readonly sign: '*' | '+'
}

/** Reads `tokens*chosen` (a product of two named sizes) and `experts+1` (a named size and a number). */
export function computedSize(name: string): ComputedSize | undefined {
  const [, of, sign, by] = /^(\w+)([*+])(\w+)$/.exec(name) ?? []
  if (of === undefined || by === undefined) return undefined
  return { of, sign: sign as '*' | '+', by: /^\d+$/.test(by) ? Number(by) : by }
}

/** The size called `name`, where `lookUp` knows the sizes it is computed from; undefined where it does not. */
export function sizeNamed(name: string, lookUp: (name: string) => number | undefined): number | undefined {
  const computed = computedSize(name)
  if (!computed) return lookUp(name)
  const of = lookUp(computed.of)
  const by = typeof computed.by === 'number' ? computed.by : lookUp(computed.by)
  if (of === undefined || by === undefined) return undefined
  return computed.sign === '*' ? of * by : of + by
}
