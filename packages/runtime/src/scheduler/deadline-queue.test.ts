import fc from 'fast-check'
import { expect, it } from 'vitest'
import { DeadlineQueue } from './deadline-queue.js'

it('gives back what expired, earliest first, whatever the order it came in', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100)), fc.nat(100), (times, nowMs) => {
      const queue = new DeadlineQueue<number>()
      for (const [key, atMs] of times.entries()) queue.add(key, atMs)
      const expired = queue.expired(nowMs).map((key) => times[key])
      expect(expired).toEqual(times.filter((atMs) => atMs <= nowMs).sort((a, b) => a - b))
      const later = times.filter((atMs) => atMs > nowMs)
      expect(queue.size).toBe(later.length)
      expect(queue.nextMs).toBe(later.length > 0 ? Math.min(...later) : undefined)
    }),
  )
})

it('forgets ended keys once they outnumber the live ones', () => {
  const queue = new DeadlineQueue<number>()
  for (let key = 0; key < 200; key++) queue.add(key, 1000 - key)
  queue.prune((key) => key < 10, 10)
  expect(queue.size).toBe(10)
  expect(queue.expired(2000)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
})
