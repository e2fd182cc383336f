import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createSequence, type Sequence } from './sequence.js'
import { WaitingQueue } from './waiting-queue.js'

it('keeps first come, first served through departures from the middle', () => {
  const act = fc.oneof(fc.constant('push' as const), fc.constant('shift' as const), fc.nat(500))
  fc.assert(
    fc.property(fc.array(act, { maxLength: 400, size: 'max' }), (acts) => {
      const queue = new WaitingQueue()
      const expected: Sequence[] = []
      let arrival = 0
      for (const one of acts) {
        if (one === 'push') {
          const promptIds = Int32Array.of(1)
          const sequence = createSequence({
            id: `${arrival}`,
            arrival: arrival++,
            promptIds,
            maxLength: 2,
            limited: true,
          })
          queue.push(sequence)
          expected.push(sequence)
        } else if (one === 'shift') expect(queue.shift()).toBe(expected.shift())
        else if (expected.length > 0) {
          const [gone] = expected.splice(one % expected.length, 1)
          gone!.status = 'finished'
          queue.left()
        }
        expect(queue.size).toBe(expected.length)
        expect(queue.inOrder().next().value).toBe(expected[0])
      }
      expect([...queue.inOrder()]).toEqual(expected)
    }),
    { numRuns: 100 },
  )
})
