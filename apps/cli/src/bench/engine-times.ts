import { deviceTimesBetween, idleQuantile } from '@trtllm/runtime'
import type { EngineStats } from 'trtllm'

type Counters = EngineStats['counters']

const round = (value: number, digits: number): number => Number(value.toFixed(digits))

/**
 * What an engine did between two readings of its counters. `exposed_us_per_step` is the device's idle time between
 * consecutive steps, measured by the device: the part of the host's work that did not overlap.
 */
export function engineTimes(before: Counters, after: Counters) {
  const device = deviceTimesBetween(before.device, after.device)
  const steps = after.steps - before.steps
  const places = after.kvPlaces - before.kvPlaces
  return {
    host: {
      steps,
      average_step_ms: round(device.busyMicroseconds / 1000 / Math.max(1, steps), 4),
      exposed_us_per_step: {
        average: round(device.idleMicroseconds / Math.max(1, device.followingSteps), 2),
        p50: round(idleQuantile(device, 0.5), 1),
        p90: round(idleQuantile(device, 0.9), 1),
        p99: round(idleQuantile(device, 0.99), 1),
      },
    },
    kv_cache: {
      reused_tokens: after.reusedTokens - before.reusedTokens,
      /** Share of the places in allocated pages without a token, over the steps of the run. */
      waste: places === 0 ? 0 : round(1 - (after.kvTokens - before.kvTokens) / places, 5),
    },
  }
}
