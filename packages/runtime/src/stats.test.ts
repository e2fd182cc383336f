import { expect, it } from 'vitest'
import { DrainedRing } from './stats.js'

it('keeps the newest entries and none after a read', () => {
  const ring = new DrainedRing<number>(3)
  for (let i = 1; i <= 5; i++) ring.push(i)
  expect(ring.drain()).toEqual([3, 4, 5])
  expect(ring.drain()).toEqual([])
  ring.push(6)
  expect(ring.drain()).toEqual([6])
})
