import { describe, expect, it } from 'vitest'
import { liveWithDeadlines } from './testing/deadline-life.js'
import { EngineBench } from './testing/engine-bench.js'
import { fakeModel } from './testing/fake-model.js'

const count = process.env.TRTLLM_SOAK === '1' ? 20_000 : 2000

describe('deadlines under overload', () => {
  it('end queued requests before any work, and no step works for one that has ended', () => {
    const { late, untouched } = liveWithDeadlines(17, count)
    // Most wait in vain: what they cost is nothing.
    expect(late).toBeGreaterThan(count / 3)
    expect(untouched).toBeGreaterThan(late / 2)
  })

  it('are kept by the monotonic clock: a jump of an hour fires each once and leaves nothing behind', () => {
    const bench = new EngineBench({ model: fakeModel({ maxBatchSize: 1 }) })
    const running = bench.submit(bench.request(10, { maxTokens: 100, ignoreEos: true }))
    const waiting = [500, 3_600_000, 7_200_000].map((deadlineMs) =>
      bench.submit(bench.request(10, { maxTokens: 5, ignoreEos: true, deadlineMs })),
    )
    bench.step()
    bench.clock.jump(3_600_000)
    bench.step()
    expect(waiting.map(({ id }) => bench.finishOf(id)?.error?.code)).toEqual([
      'deadline_exceeded',
      'deadline_exceeded',
      undefined,
    ])
    bench.run()
    expect(bench.finishOf(running.id)?.reason).toBe('length')
    expect(bench.finishOf(waiting[2]!.id)?.reason).toBe('length')
    bench.expectQuiet()
  })
})
