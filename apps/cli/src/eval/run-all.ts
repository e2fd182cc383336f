import { setMaxListeners } from 'node:events'

/** How items are run. */
export interface RunAllOptions {
  /** Items at a time. */
  readonly limit: number
  /** Ends everything; its reason is thrown. */
  readonly signal: AbortSignal
  /** Hears of each item that is done. */
  readonly onDone: () => void
}

/**
 * Runs `work` on every item and gives the results in the order of the items. The first failure aborts the signal that
 * the others were given and is thrown when all have ended.
 */
export async function runAll<Item, Result>(
  items: readonly Item[],
  { limit, signal, onDone }: RunAllOptions,
  work: (item: Item, index: number, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length)
  const end = new AbortController()
  const either = AbortSignal.any([end.signal, signal])
  // Every item listens to it.
  setMaxListeners(0, either)
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      either.throwIfAborted()
      const index = next++
      results[index] = await work(items[index]!, index, either)
      onDone()
    }
  }
  const lanes = Array.from({ length: Math.min(limit, items.length) }, async () => {
    try {
      await lane()
    } catch (error) {
      end.abort(error)
    }
  })
  await Promise.all(lanes)
  either.throwIfAborted()
  return results
}
