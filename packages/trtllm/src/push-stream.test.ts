import { expect, it } from 'vitest'
import { PushStream } from './push-stream.js'

it('hands over in order, before and after the reader asks, and ends', async () => {
  const stream = new PushStream<number>()
  const first = stream.next()
  for (const item of [1, 2, 3]) stream.push(item)
  stream.end()
  stream.push(4)
  expect(await first).toEqual({ done: false, value: 1 })
  const rest: number[] = []
  for await (const item of stream) rest.push(item)
  expect(rest).toEqual([2, 3])
  expect(await stream.next()).toEqual({ done: true, value: undefined })
})

it('fails after what was pushed before', async () => {
  const stream = new PushStream<number>()
  stream.push(1)
  stream.fail(new Error('broken'))
  stream.end()
  expect((await stream.next()).value).toBe(1)
  await expect(stream.next()).rejects.toThrow('broken')
})

it('a reader that waits hears of the end, and one that leaves drops the rest', async () => {
  const ended = new PushStream<number>()
  const waiting = ended.next()
  ended.end()
  expect((await waiting).done).toBe(true)
  const left = new PushStream<number>()
  left.push(1)
  const [asked] = [left.next(), left.next()].map((each) => each.then(({ done }) => done))
  await left.return()
  left.push(2)
  expect(await asked).toBe(false)
  expect((await left.next()).done).toBe(true)
})
