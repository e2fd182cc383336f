import { describe, expect, it } from 'vitest'
import type { HostCosts } from '../src/bench/host/host-report.js'
import { phases } from '../src/bench/host/phase-times.js'
import { trtllm } from './in-process.js'

const host = (...flags: string[]) => trtllm(['bench', 'host', ...flags])

describe('trtllm bench host', () => {
  it('times every phase of a step, for each batch', async () => {
    const { code, stdout, stderr } = await host('--batches', '1,8', '--isl', '40', '--steps', '30', '--json')
    expect([code, stderr]).toEqual([0, ''])
    const { batches, engine, command } = JSON.parse(stdout) as {
      batches: HostCosts[]
      engine: object
      command: string
    }
    expect(command).toBe('trtllm bench host --batches 1,8 --isl 40 --steps 30 --json')
    expect(engine).toMatchObject({ model_path: '@trtllm/tales', backend: 'null' })
    expect(batches.map(({ batch, steps }) => [batch, steps])).toEqual([
      [1, 30],
      [8, 30],
    ])
    for (const { host_us_per_step: costs, wall_us_per_step: wall, exposed_us_per_step: exposed } of batches) {
      for (const phase of phases) expect(costs[phase]).toBeGreaterThan(0)
      expect(costs.total).toBeCloseTo(
        phases.reduce((sum, phase) => sum + costs[phase], 0),
        0,
      )
      // The null device takes no time: steps come as fast as the host makes them.
      expect(costs.total).toBeLessThanOrEqual(wall * 1.05)
      expect(exposed.average).toBeGreaterThan(wall / 2)
      expect(costs.p99).toBeGreaterThanOrEqual(costs.p50)
    }
  })

  it('as text', async () => {
    const { code, stdout } = await host('--batches', '2', '--isl', '4', '--steps', '5')
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^ *batch +complete +schedule +build +submit +send +host us.*\n +2( +[\d.]+){11}\n$/,
    )
  })

  it.each<[string, string[], number, RegExp]>([
    [
      'a batch that the cache does not hold',
      ['--batches', '8', '--kv-cache-max-tokens', '256'],
      78,
      /only \d+ of 69 steps held all 8 sequences: the KV cache has 256 tokens/,
    ],
    [
      'a batch above the limit',
      ['--batches', '8', '--max-batch-size', '4'],
      64,
      /--max-batch-size 4 is below a batch of 8/,
    ],
    [
      'no counts',
      ['--batches', '1,x'],
      64,
      /--batches must be whole numbers from 1 to 4096, separated by commas; got "1,x"/,
    ],
    ['no model', ['--model', '/nowhere'], 65, /\/nowhere/],
  ])('refuses %s', async (_, flags, exitCode, message) => {
    const { code, stderr } = await host('--isl', '64', '--steps', '5', ...flags)
    expect(stderr).toMatch(message)
    expect(code).toBe(exitCode)
  })
})
