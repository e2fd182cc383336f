import { expect, it } from 'vitest'
import { mergeStreams } from './merge-streams.js'

async function* counted(name: string, count: number, turns: number) {
  for (let i = 0; i < count; i++) {
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
    yield `${name}${i}`
  }
}

it('gives every item of every stream, in the order of its stream', async () => {
  const seen: string[][] = [[], [], [], []]
  const streams = [counted('a', 5, 1), counted('b', 3, 4), counted('c', 0, 1), counted('d', 4, 0)]
  for await (const [index, item] of mergeStreams(streams)) seen[index]!.push(item)
  expect(seen).toEqual([['a0', 'a1', 'a2', 'a3', 'a4'], ['b0', 'b1', 'b2'], [], ['d0', 'd1', 'd2', 'd3']])
})

it('ends at once without streams, and fails with the first failure', async () => {
  expect(await mergeStreams([]).next()).toEqual({ done: true, value: undefined })
  const failing = { next: () => Promise.reject(new Error('first')) }
  await expect(mergeStreams([counted('a', 1, 9), failing]).next()).rejects.toThrow('first')
})
