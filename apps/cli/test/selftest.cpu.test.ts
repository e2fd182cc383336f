import { ops } from '@trtllm/kernels'
import { expect, it } from 'vitest'
import { trtllm } from './in-process.js'

it('ops, recorded steps and the embedded model pass on the CPU', async () => {
  const { code, stdout, stderr } = await trtllm([
    'selftest',
    '--device',
    'cpu',
    '--filter',
    '^(rms-norm|linear|sample|captured|model)$',
  ])
  expect(stderr).toBe('')
  const row = new RegExp(`^linear +${ops.linear.cases.length} +\\d\\S* +\\d+ % +[\\d.]+ {2}ok$`, 'm')
  expect(stdout).toMatch(row)
  expect(stdout).toMatch(/^embedded model, bf16 +3 answers, .* ok$/m)
  expect(stdout).toMatch(/^3 ops, \d+ cases, 9 checks: all passed\n$/m)
  expect(code).toBe(0)
})

it('--json on the null device, where cases only have to be accepted', async () => {
  const { code, stdout } = await trtllm(['selftest', '--device', 'null', '--json'])
  const report = JSON.parse(stdout) as { ok: boolean; ops: { op: string; failures: string[] }[] }
  expect([code, report.ok]).toEqual([0, true])
  expect(report.ops.map(({ op }) => op).sort()).toEqual(
    Object.values(ops)
      .map(({ name }) => name)
      .sort(),
  )
})

it('a filter that matches nothing says what there is', async () => {
  const { code, stderr } = await trtllm(['selftest', '--device', 'cpu', '--filter', 'lnear'])
  expect(code).toBe(64)
  expect(stderr).toMatch(
    /^trtllm selftest: --filter lnear matches nothing; there are .*linear.*, captured, large-pool, model\.\n$/,
  )
})

it('a cache of more than 2^32 elements, where there is memory for it', async () => {
  const { code, stdout } = await trtllm(['selftest', '--device', 'cpu', '--filter', '^large-pool$'])
  expect(stdout).toMatch(
    /^cache of more than 2\^32 elements, bf16 +(prompt and decoded|left out: needs 8\.0 GiB).* ok$/m,
  )
  expect(stdout).toMatch(/^cache of more than 2\^32 elements, f8 .* ok$/m)
  expect(code).toBe(0)
})
