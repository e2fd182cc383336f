import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSequence, type NewSequence, type Sequence } from './sequence.js'
import { WaitingQueue } from './waiting-queue.js'

let arrivals = 0
const sequence = (fields: Partial<NewSequence> = {}): Sequence => {
  const arrival = arrivals++
  const promptIds = new Int32Array(10)
  return createSequence({ id: `${arrival}`, arrival, promptIds, maxLength: 20, limited: true, ...fields })
}
const letIn = (queue: WaitingQueue): Sequence | undefined => {
  const next = queue.inOrder().next().value
  if (!next) return undefined
  next.status = 'running'
  queue.left(next, true)
  return next
}

describe('WaitingQueue', () => {
  it('keeps first come, first served inside a level through departures from the middle', () => {
    const act = fc.oneof(
      fc.record({ push: fc.integer({ min: 0, max: 2 }) }),
      fc.constant('let in' as const),
      fc.record({ leave: fc.nat(500) }),
      fc.record({ look: fc.nat(5) }),
    )
    const property = fc.property(fc.array(act, { maxLength: 400, size: 'max' }), (acts) => {
      const queue = new WaitingQueue()
      const expected: Sequence[] = []
      for (const one of acts) {
        if (one === 'let in') expect(letIn(queue)).toBe(expected.shift())
        else if ('push' in one) {
          const added = sequence({ level: one.push })
          queue.push(added)
          const at = expected.findIndex(({ level }) => level < added.level)
          expected.splice(at === -1 ? expected.length : at, 0, added)
        } else if ('look' in one) {
          const seen: Sequence[] = []
          for (const each of queue.inOrder()) if (seen.push(each) > one.look) break
          expect(seen).toEqual(expected.slice(0, one.look + 1))
        } else if (expected.length > 0) {
          const [gone] = expected.splice(one.leave % expected.length, 1)
          gone!.status = 'finished'
          queue.left(gone!, false)
        }
        expect([queue.size, queue.tokens]).toEqual([expected.length, expected.length * 10])
        expect(queue.inOrder().next().value).toBe(expected[0])
      }
      expect([...queue.inOrder()]).toEqual(expected)
    })
    fc.assert(property, { numRuns: 150, seed: 4 })
  })

  it('shares turns between keys by weight, whatever one of them piles up', () => {
    const queue = new WaitingQueue()
    for (let i = 0; i < 300; i++) queue.push(sequence({ fairnessKey: 'loud' }))
    for (let i = 0; i < 60; i++) queue.push(sequence({ fairnessKey: 'quiet' }))
    for (let i = 0; i < 120; i++) queue.push(sequence({ fairnessKey: 'heavy', weight: 2 }))
    const served = Array.from({ length: 200 }, () => letIn(queue)!.fairnessKey)
    const count = (key: string) => served.filter((each) => each === key).length
    expect([count('loud'), count('quiet'), count('heavy')]).toEqual([50, 50, 100])
  })

  it('does not let a key that was away catch up', () => {
    const queue = new WaitingQueue()
    for (let i = 0; i < 100; i++) queue.push(sequence({ fairnessKey: 'a' }))
    for (let i = 0; i < 50; i++) letIn(queue)
    for (let i = 0; i < 50; i++) queue.push(sequence({ fairnessKey: 'b' }))
    const served = Array.from({ length: 20 }, () => letIn(queue)!.fairnessKey)
    expect(served.filter((key) => key === 'b').length).toBeLessThanOrEqual(11)
  })

  it('forgets keys whose turns are over and sequences that left', () => {
    const queue = new WaitingQueue()
    for (let i = 0; i < 5000; i++) {
      queue.push(sequence({ fairnessKey: `key ${i}` }))
      if (i > 10) letIn(queue)
    }
    expect(queue.size).toBe(11)
    expect(queue.numKeys).toBeLessThan(200)
    const leaving = Array.from({ length: 500 }, () => sequence({ level: 10 }))
    for (const each of leaving) queue.push(each)
    for (const each of leaving) {
      each.status = 'finished'
      queue.left(each, false)
    }
    for (let i = 0; i < 11; i++) letIn(queue)
    expect([queue.size, queue.numKeys, letIn(queue)]).toEqual([0, 0, undefined])
  })
})
