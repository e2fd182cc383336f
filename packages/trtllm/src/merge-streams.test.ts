import { expect, it } from 'vitest'
import { mergeStreams } from './merge-streams.js'

async function* counted(name: string, count: number, turns: number) {
  for (let i = 0; i < count; i++) {
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
    yield `${name}${i}`
  }
}

// biome-ignore lint/correctness/useYield: it fails before it could
async function* failing(): AsyncGenerator<string> {
  await new Promise(setImmediate)
  throw new Error('first')
}

async function all(items: AsyncIterable<string>): Promise<string[]> {
  const seen: string[] = []
  for await (const item of items) seen.push(item)
  return seen
}

it('gives every item of every stream, in the order of its stream', async () => {
  const streams = [counted('a', 5, 1), counted('b', 3, 4), counted('c', 0, 1), counted('d', 4, 0)]
  const seen = await all(mergeStreams(streams))
  const of = (name: string) => seen.filter((item) => item.startsWith(name))
  expect(of('a')).toEqual(['a0', 'a1', 'a2', 'a3', 'a4'])
  expect(of('b')).toEqual(['b0', 'b1', 'b2'])
  expect(of('d')).toEqual(['d0', 'd1', 'd2', 'd3'])
  expect(seen).toHaveLength(12)
  expect(await all(mergeStreams([counted('a', 2, 1)]))).toEqual(['a0', 'a1'])
})

it('ends at once without streams, and fails with the first failure', async () => {
  expect(await all(mergeStreams([]))).toEqual([])
  await expect(all(mergeStreams([counted('a', 1, 9), failing()]))).rejects.toThrow('first')
  await expect(all(mergeStreams([failing()]))).rejects.toThrow('first')
})
