import { Device, type FloatDType } from '@trtllm/kernels'
import { embeddedModelPath } from 'trtllm'
import type { Check } from './check.js'
import { StepRun } from './step-run.js'

/** Any ids of the embedded model: what is compared is bytes. */
const ids = [1, 20, 300, 400, 50, 6, 70, 800]

/**
 * A recorded step that is replayed leaves the same bytes as its nodes run one by one: for a prompt and for one token.
 * Where a backend records nothing, it still has to give equal bytes each time.
 */
export async function checkCaptured(deviceName: string, dtype: FloatDType): Promise<Check[]> {
  using device = Device.open(deviceName)
  using run = await StepRun.open(embeddedModelPath(), device, dtype)
  const checks: Check[] = []
  for (const tokens of [ids.length, 1]) {
    const name = `captured = interpreted, ${tokens === 1 ? 'one token' : `${tokens} tokens`}, ${dtype}`
    const startMs = performance.now()
    const isRecorded = run.record(tokens)
    const expected = await run.step(ids.slice(0, tokens), false)
    const different: number[] = []
    // The first captured run warms up, the second records and replays, the others replay.
    for (let round = 1; round <= 4; round++) {
      const found = await run.step(ids.slice(0, tokens), true)
      if (Buffer.compare(found, expected) !== 0) different.push(round)
    }
    checks.push({
      name,
      detail: `${expected.length} bytes equal in 4 runs${isRecorded ? '' : `; ${device.kind} records no steps`}`,
      ms: performance.now() - startMs,
      ...(different.length > 0 && { failure: `other bytes in run ${different.join(', ')} of 4` }),
    })
  }
  return checks
}
