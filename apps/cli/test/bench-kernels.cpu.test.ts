import { expect, it } from 'vitest'
import type { KernelRow } from '../src/bench/kernels/kernels-report.js'
import { trtllm } from './in-process.js'

const small = ['--batches', '3', '--context', '70', '--prompt', '40']
const kernels = (...flags: string[]) => trtllm(['bench', 'kernels', '--device', 'cpu', ...flags])

interface Report {
  readonly roofline: Readonly<Record<string, number>>
  readonly steps: readonly { title: string; calls: readonly KernelRow[] }[]
}

it('trtllm bench kernels times every call of a decode step and of a prompt', async () => {
  const { code, stdout, stderr } = await kernels(...small, '--json')
  expect([code, stderr]).toEqual([0, ''])
  const { steps, roofline } = JSON.parse(stdout) as Report
  expect(steps.map(({ title }) => title)).toEqual(['decode of 3 at 70 tokens', 'a prompt of 40'])
  expect(roofline.copy_bytes_per_s).toBeGreaterThan(1e8)
  expect(roofline.float_flops_per_s).toBeGreaterThan(1e8)
  for (const { calls } of steps) {
    const attention = calls.filter(({ op }) => op === 'paged-attention')
    expect(attention.map(({ calls }) => calls)).toEqual([6])
    const linears = calls.filter(({ op }) => op === 'linear')
    expect(linears.map(({ calls }) => calls)).toEqual([6, 6, 6, 6, 1])
    for (const { kernel, us, gb_per_s: rate, bound_us: bound, share_of_bound: share } of linears) {
      expect(kernel).toMatch(/^linear\./)
      // Rates, time and share are of one measurement.
      expect((share * us) / bound).toBeCloseTo(1, 2)
      expect(rate).toBeGreaterThan(0)
    }
  }
  const [, , , down] = steps[0]!.calls.filter(({ op }) => op === 'linear')
  expect(down!.shape).toBe('[3,1024] x [384,1024]')
  const bytes = 2 * (3 * 1024 + 384 * 1024 + 3 * 384)
  expect(down!.gb_per_s * down!.us).toBeCloseTo(bytes / 1e3, -1)
})

it('as text, with a list of what is far from its bound', async () => {
  const { code, stdout } = await kernels('--batches', '1', '--context', '33', '--prompt', '8')
  expect(code).toBe(0)
  expect(stdout).toMatch(
    /^decode of 1 at 33 tokens: \d+ us of kernels, bound \d+ us\nop +shape +calls +us +GB\/s/,
  )
  expect(stdout).toMatch(
    /\nlinear +\[1,384\] x \[2048,384\] +6 +[\d.]+ +\d+ +[\d.]+ +[\d.]+ +[\d.]+ +(memory|launch|arithmetic)\n/,
  )
})

it('refuses a device that takes no time', async () => {
  const { code, stderr } = await trtllm(['bench', 'kernels', '--device', 'null'])
  expect(stderr).toContain('--device null takes no time; choose cpu or cuda')
  expect(code).toBe(64)
})
