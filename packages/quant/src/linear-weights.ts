import type { Graph, Param, Value } from '@trtllm/graph'

/** How often each value is read. */
export function readersOf({ nodes }: Graph): ReadonlyMap<Value | undefined, number> {
  const readers = new Map<Value | undefined, number>()
  for (const { inputs } of nodes)
    for (const input of inputs) readers.set(input, (readers.get(input) ?? 0) + 1)
  return readers
}

export function paramOf({ origin, path }: Value): Param {
  if (origin.kind !== 'param') throw new Error(`${path} is not a param`)
  return origin.param
}
