import { expect, it } from 'vitest'
import { EngineBench } from './testing/engine-bench.js'
import { fakeModel } from './testing/fake-model.js'
import { SeededRandom } from './testing/seeded-random.js'

it('gives slot and pages of a cancelled request back within two steps, whatever it was doing', () => {
  const random = new SeededRandom(6)
  const phases = { queued: 0, prefilling: 0, decoding: 0, paused: 0 }
  for (let life = 0; life < 1000; life++) {
    const pools = [{ pages: random.pick([5, 5, 6, 20]), window: 0 }]
    const bench = new EngineBench({
      model: fakeModel({ maxBatchSize: 3, maxNumTokens: 40, maxSeqLen: 160, pools }),
      policy: 'MAX_UTILIZATION',
    })
    const requests = Array.from({ length: random.integer(1, 7) }, () =>
      bench.submit(bench.request(random.integer(1, 110), { maxTokens: 40, ignoreEos: true })),
    )
    for (let i = random.integer(0, 30); i > 0; i--) bench.step()
    const victim = random.pick(requests)
    const { running, waiting, paused } = bench.engine.stats().gauges
    bench.engine.cancel(victim.id)
    if (bench.finishOf(victim.id)) continue
    const after = bench.engine.stats().gauges
    if (after.waiting < waiting) phases.queued++
    else if (after.paused < paused) phases.paused++
    else if (after.running < running)
      phases[bench.tokensOf(victim.id).length > 0 ? 'decoding' : 'prefilling']++
    for (const { id } of requests) if (id !== victim.id) bench.engine.cancel(id)
    for (let steps = 0; steps < 2; steps++) bench.step()
    expect(bench.finishOf(victim.id)?.reason).toMatch(/cancelled|length/)
    bench.expectQuiet()
  }
  expect(Math.min(...Object.values(phases))).toBeGreaterThan(20)
})
