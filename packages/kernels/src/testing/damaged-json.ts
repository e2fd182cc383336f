/** Values that a reader of JSON may meet where it expects others. */
const hostileValues = [
  ...[null, true, -1, 0, 1.5, 2 ** 31, 2 ** 53],
  ...['', 'x', '\ud800', '('.repeat(40)],
  ...[[], [[]], [null], {}, { type: 'x' }],
]

/** A JSON value with one place in it changed, and what was changed, for messages. */
export interface DamagedJson {
  readonly what: string
  readonly value: unknown
}

/** `good` with each place taken out and changed to each hostile value; of lists only the first `mostItems` are changed. */
export function* damagedJson(good: unknown, mostItems: number): Generator<DamagedJson> {
  for (const place of placesIn(good, mostItems)) {
    for (const to of [undefined, ...hostileValues]) {
      yield { what: `${place.join('.')} = ${JSON.stringify(to)}`, value: changed(good, place, to) }
    }
  }
}

type Place = readonly (string | number)[]

/** Outermost first. */
function* placesIn(value: unknown, mostItems: number, path: Place = []): Generator<Place> {
  if (path.length > 0) yield path
  if (typeof value !== 'object' || value === null) return
  const keys = Array.isArray(value) ? [...value.keys()].slice(0, mostItems) : Object.keys(value)
  for (const key of keys) {
    yield* placesIn((value as Record<string | number, unknown>)[key], mostItems, [...path, key])
  }
}

/** A copy with another value at a place; undefined takes it out. */
function changed(value: unknown, [key, ...rest]: Place, to: unknown): unknown {
  if (key === undefined) return to
  const copy = structuredClone(value) as Record<string | number, unknown>
  copy[key] = changed(copy[key], rest, to)
  return copy
}
