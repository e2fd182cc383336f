/**
 * Numbered things (pages, slots) that are lent out and come back only when no submitted step can still touch
 * them. An id that is given back names the last step that may touch it; until that step has retired the id is
 * `pending`, and only then `free`. Ids are lent lowest-recently-returned last (a stack), which keeps the working
 * set small.
 */
export class LeasePool {
  readonly total: number
  readonly #free: number[] = []
  /** Ids given back, by the step they wait for; steps retire in order, at most a few are in flight. */
  readonly #pending = new Map<number, number[]>()
  readonly #holder: Float64Array
  #pendingCount = 0
  #retiredStep = 0

  constructor(total: number) {
    this.total = total
    this.#holder = new Float64Array(total).fill(NOBODY)
    for (let id = total - 1; id >= 0; id--) this.#free.push(id)
  }

  /** Ids that can be lent now. */
  get free(): number {
    return this.#free.length
  }

  /** Ids given back that wait for a step to retire. */
  get pending(): number {
    return this.#pendingCount
  }

  /** Ids lent out. */
  get leased(): number {
    return this.total - this.#free.length - this.#pendingCount
  }

  /** Lends an id to `holder` (any number >= 0, for the invariants). Throws when none is free. */
  lease(holder: number): number {
    const id = this.#free.pop()
    if (id === undefined) throw new Error(`lease pool: none of ${this.total} ids is free`)
    this.#holder[id] = holder
    return id
  }

  /** Takes an id back from its holder; it is lent again only after `lastStep` has retired. */
  giveBack(id: number, holder: number, lastStep: number): void {
    if (this.#holder[id] !== holder) {
      throw new Error(`lease pool: id ${id} is held by ${this.#holder[id]}, not by ${holder}`)
    }
    this.#holder[id] = NOBODY
    if (lastStep <= this.#retiredStep) {
      this.#free.push(id)
      return
    }
    const waiting = this.#pending.get(lastStep)
    if (waiting) waiting.push(id)
    else this.#pending.set(lastStep, [id])
    this.#pendingCount++
  }

  /** Passes a lent id on to another holder. */
  transfer(id: number, from: number, to: number): void {
    if (this.#holder[id] !== from) {
      throw new Error(`lease pool: id ${id} is held by ${this.#holder[id]}, not by ${from}`)
    }
    this.#holder[id] = to
  }

  /** Says that every step up to `step` has finished on the device. */
  retire(step: number): void {
    this.#retiredStep = Math.max(this.#retiredStep, step)
    for (const [lastStep, ids] of this.#pending) {
      if (lastStep > step) continue
      for (const id of ids) this.#free.push(id)
      this.#pendingCount -= ids.length
      this.#pending.delete(lastStep)
    }
  }

  holderOf(id: number): number {
    return this.#holder[id] ?? NOBODY
  }

  /** Throws when an id is lost, lent twice or both free and lent. O(total). */
  check(name: string): void {
    const seen = new Uint8Array(this.total)
    const see = (id: number) => {
      if (seen[id]) throw new Error(`${name}: id ${id} is twice in the pool`)
      if (this.#holder[id] !== NOBODY) throw new Error(`${name}: id ${id} is in the pool and lent`)
      seen[id] = 1
    }
    for (const id of this.#free) see(id)
    let pending = 0
    for (const ids of this.#pending.values()) {
      pending += ids.length
      for (const id of ids) see(id)
    }
    if (pending !== this.#pendingCount)
      throw new Error(`${name}: pending count ${this.#pendingCount} != ${pending}`)
    for (let id = 0; id < this.total; id++) {
      if (!seen[id] && this.#holder[id] === NOBODY) throw new Error(`${name}: id ${id} is lost`)
    }
  }
}

const NOBODY = -1
