import type { EngineRequest } from '../request.js'
import { EngineBench } from './engine-bench.js'
import { fakeModel } from './fake-model.js'
import { SeededRandom } from './seeded-random.js'

/**
 * Offers an engine several times what it can do, each request with a deadline. Throws unless every late request ends with
 * `deadline_exceeded` and no step works for one that has ended. Returns how many were late, and how many of these the device
 * never heard of.
 */
export function liveWithDeadlines(seed: number, count: number): { late: number; untouched: number } {
  const random = new SeededRandom(seed)
  const model = fakeModel({ maxBatchSize: 4, maxNumTokens: 64, pools: [{ pages: 24, window: 0 }] })
  const bench = new EngineBench({ model, policy: 'MAX_UTILIZATION' })
  const sent: { request: EngineRequest; dueMs: number }[] = []
  const lastSteps = new Map<string, number>()
  const note = () => {
    for (const { request, dueMs } of sent.slice(-200)) {
      if (dueMs <= bench.clock.nowMs() && !lastSteps.has(request.id))
        lastSteps.set(request.id, bench.device.numSubmitted)
    }
  }
  while (sent.length < count) {
    const deadlineMs = random.integer(1, 60)
    const fields = { maxTokens: random.integer(1, 20), ignoreEos: true, deadlineMs }
    const request = bench.submit(bench.request(random.integer(1, 100), fields))
    sent.push({ request, dueMs: bench.clock.nowMs() + deadlineMs })
    bench.step()
    bench.clock.advance(random.integer(0, 2))
    note()
    // A step may end just when deadlines pass.
    if (random.next() < 0.5) bench.device.runNext()
    if (bench.clock.numTimers > 1) throw new Error(`deadline life: ${bench.clock.numTimers} timers at a time`)
  }
  bench.run()
  bench.clock.advance(100)
  bench.run()
  bench.expectQuiet()
  if (bench.clock.numTimers > 0) throw new Error(`deadline life: ${bench.clock.numTimers} timers are left`)
  let untouched = 0
  let late = 0
  for (const { request } of sent) {
    const { reason, error } = bench.finishOf(request.id) ?? {}
    const seen = bench.device.seen(Number(request.seed))
    if (reason === 'length' && seen) continue
    if (error?.code !== 'deadline_exceeded')
      throw new Error(`deadline life: ${request.id} ended with ${reason}`)
    late++
    if (!seen) untouched++
    else if (seen.step > (lastSteps.get(request.id) ?? Number.POSITIVE_INFINITY))
      throw new Error(`deadline life: a step worked for ${request.id} after its deadline`)
  }
  return { late, untouched }
}
