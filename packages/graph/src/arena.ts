import { covers, type Extent, extentAt, extentText, noExtent, type StepSizes, sum } from './extent.js'

/** Every value starts at a multiple of this. */
export const arenaAlignment = 256

/** Bytes that one value needs, from the node that makes it to the last that reads it, both included. */
export interface Lifetime {
  readonly extent: Extent
  readonly first: number
  readonly last: number
}

export interface Arena {
  /** Offset of each lifetime, in the order given. */
  readonly offsets: readonly number[]
  readonly bytes: number
}

/** Rounds up to the next place where something may start. */
export const aligned = (bytes: number): number => Math.ceil(bytes / arenaAlignment) * arenaAlignment

interface Placed extends Lifetime {
  readonly offset: number
  readonly end: number
}

/**
 * Gives each value an offset for the largest step such that values alive at the same time never overlap: the largest
 * first, each in the smallest gap that holds it between the values it meets, or behind them.
 */
export function layOutArena(lifetimes: readonly Lifetime[], largest: StepSizes): Arena {
  const sizes = lifetimes.map(({ extent }) => aligned(extentAt(extent, largest)))
  const order = sizes.map((_, index) => index).sort((a, b) => sizes[b]! - sizes[a]! || a - b)
  const placedAt = new Map<number, Placed[]>()
  const offsets = new Array<number>(lifetimes.length).fill(0)
  for (const index of order) {
    const lifetime = lifetimes[index]!
    const offset = smallestGap(met(lifetime, placedAt), sizes[index]!)
    const placed = { ...lifetime, offset, end: offset + sizes[index]! }
    for (let node = lifetime.first; node <= lifetime.last; node++) {
      placedAt.set(node, [...(placedAt.get(node) ?? []), placed])
    }
    offsets[index] = offset
  }
  return { offsets, bytes: offsets.reduce((end, offset, index) => Math.max(end, offset + sizes[index]!), 0) }
}

/** Values placed so far that are alive at some node of `lifetime`, by offset. */
function met({ first, last }: Lifetime, placedAt: ReadonlyMap<number, readonly Placed[]>): Placed[] {
  const values = new Set<Placed>()
  for (let node = first; node <= last; node++)
    for (const placed of placedAt.get(node) ?? []) values.add(placed)
  return [...values].sort((a, b) => a.offset - b.offset)
}

function smallestGap(placed: readonly Placed[], bytes: number): number {
  let best: { readonly offset: number; readonly bytes: number } | undefined
  let end = 0
  for (const value of placed) {
    const gap = value.offset - end
    if (gap >= bytes && (!best || gap < best.bytes)) best = { offset: end, bytes: gap }
    end = Math.max(end, value.end)
  }
  return best?.offset ?? end
}

/**
 * Bytes alive at the busiest node as a function of the step, e.g. `24576*tokens + 4096*rows`; `max(...)` where it
 * depends on the step which node is the busiest.
 */
export function arenaFormula(lifetimes: readonly Lifetime[]): string {
  const lengths = lifetimes.map(({ last }) => last + 1)
  const alive = new Array<Extent>(Math.max(0, ...lengths)).fill(noExtent)
  for (const { extent, first, last } of lifetimes) {
    for (let node = first; node <= last; node++) alive[node] = sum(alive[node]!, extent)
  }
  const largest: Extent[] = []
  for (const extent of alive) {
    if (largest.some((other) => covers(other, extent))) continue
    const kept = largest.filter((other) => !covers(extent, other))
    largest.splice(0, largest.length, ...kept, extent)
  }
  const texts = largest.map(extentText)
  return texts.length === 1 ? texts[0]! : texts.length === 0 ? '0' : `max(${texts.join(', ')})`
}
