import { expect, it } from 'vitest'
import { addStepTimes, deviceTimesBetween, idleQuantile, zeroDeviceTimes } from './device-times.js'

it('quantiles of idle times are right to a fifth, whatever their size', () => {
  const times = zeroDeviceTimes()
  for (let i = 1; i <= 1000; i++) addStepTimes(times, 10, i)
  expect(times).toMatchObject({ followingSteps: 1000, busyMicroseconds: 10_000, idleMicroseconds: 500_500 })
  for (const share of [0.01, 0.5, 0.9, 0.99, 1]) {
    const found = idleQuantile(times, share)
    expect(found).toBeGreaterThanOrEqual(1000 * share)
    expect(found).toBeLessThanOrEqual(1000 * share * 1.2)
  }
})

it('nothing, and times beyond all buckets, have a place', () => {
  const times = zeroDeviceTimes()
  expect(idleQuantile(times, 0.5)).toBe(0)
  addStepTimes(times, 5)
  expect(times).toMatchObject({ followingSteps: 0, busyMicroseconds: 5 })
  addStepTimes(times, 5, 0)
  expect(idleQuantile(times, 1)).toBe(1)
  addStepTimes(times, 5, 1e12)
  expect(idleQuantile(times, 1)).toBeGreaterThan(1e6)
})

it('tells what came between two readings', () => {
  const times = zeroDeviceTimes()
  addStepTimes(times, 1, 1000)
  const before = structuredClone(times)
  addStepTimes(times, 7, 3)
  const between = deviceTimesBetween(before, times)
  expect(between).toMatchObject({ busyMicroseconds: 7, idleMicroseconds: 3, followingSteps: 1 })
  expect(idleQuantile(between, 1)).toBeLessThan(4)
})
