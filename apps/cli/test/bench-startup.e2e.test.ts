import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { trtllm } from './in-process.js'

const bin = fileURLToPath(new URL('../bin/trtllm.mjs', import.meta.url))
const program = [process.execPath, bin]
const folder = mkdtempSync(join(tmpdir(), 'trtllm-startup-'))
afterAll(() => rmSync(folder, { recursive: true }))

it('trtllm bench startup makes a checkpoint, starts processes and tells where the time went', async () => {
  const flags = ['--make-checkpoint', join(folder, 'made'), '--device', 'cpu', '--runs', '2', '--json']
  const { code, stdout, stderr } = await trtllm(['bench', 'startup', ...flags], { program })
  expect([code, stderr]).toEqual([0, ''])
  const report = JSON.parse(stdout) as {
    first_token_s: number
    stages_s: Record<string, number>
    runs: object[]
  }
  expect(report.runs).toHaveLength(2)
  expect(Object.keys(report.stages_s)).toEqual(
    expect.arrayContaining(['starting node', 'loading weights', 'first token']),
  )
  const sum = Object.values(report.stages_s).reduce((total, seconds) => total + seconds, 0)
  expect(sum).toBeCloseTo(report.first_token_s, 1)
})

it('says why the process failed', async () => {
  const flags = ['--device', 'cuda:999', '--runs', '1']
  const { code, stderr } = await trtllm(['bench', 'startup', ...flags], { program })
  expect(stderr).toMatch(/^trtllm bench startup: the program that loads the model ended with \d+: .*cuda:999/)
  expect(code).toBe(1)
})
