import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const bin = fileURLToPath(new URL('../bin/trtllm.mjs', import.meta.url))
const endless = ['generate', '--device', 'cpu', '--prompt', 'Once', '--ignore-eos', '--max-tokens', '2000']

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs a program to its end; `onText` sees its output as it comes and may send signals. */
function run(
  program: string,
  args: readonly string[],
  { input = '', onText = (_kill: (signal: NodeJS.Signals) => void) => {} } = {},
): Promise<Ended> {
  const child = spawn(program, args, { stdio: 'pipe' })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    onText((signal) => child.kill(signal))
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

const trtllm = (args: readonly string[], options?: Parameters<typeof run>[2]) =>
  run(process.execPath, [bin, ...args], options)

describe('the built trtllm', () => {
  it('answers', async () => {
    const { code, stdout, stderr } = await trtllm(
      ['generate', '--device', 'cpu', '--chat', '--prompt', '-', '--max_tokens=8'],
      { input: 'What month follows September?\n' },
    )
    expect([code, stdout]).toEqual([0, 'October.\n'])
    expect(stderr).toMatch(/^14 prompt tokens, /)
  })

  it('is trtllm-bench too, also where a benchmark starts itself anew', async () => {
    const bench = fileURLToPath(new URL('../bin/trtllm-bench.mjs', import.meta.url))
    const flags = ['startup', '--device', 'cpu', '--runs', '1', '--isl', '4', '--json']
    const { code, stdout, stderr } = await run(process.execPath, [bench, ...flags])
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toMatchObject({ command: `trtllm bench ${flags.join(' ')}` })
  })

  it('talks', async () => {
    const input = 'What month follows September?\n/exit\n'
    const { code, stdout } = await trtllm(['chat', '--device', 'cpu'], { input })
    expect([code, stdout]).toEqual([0, 'October.\n'])
  })

  it('examines the machine and itself', async () => {
    const doctor = await trtllm(['doctor', '--device', 'cpu', '--port', '0'])
    expect(doctor).toMatchObject({ code: 64, stderr: expect.stringContaining('--port must be') })
    const report = await trtllm(['doctor', '--device', 'cpu', '--json'])
    const { diagnoses } = JSON.parse(report.stdout) as { diagnoses: { name: string; verdict: string }[] }
    expect(diagnoses).toContainEqual(expect.objectContaining({ name: 'native addon', verdict: 'ok' }))
    const selftest = await trtllm(['selftest', '--device', 'cpu', '--filter', '^(add|captured|model)$'])
    expect(selftest.stdout).toMatch(/1 ops, \d+ cases, 9 checks: all passed\n$/)
    expect(selftest.code).toBe(0)
  })

  it.each([
    [['--version'], 0],
    [['generate', '--help'], 0],
    [['generate', '--promt', 'x'], 64],
    [['frobnicate'], 64],
    [['generate', '--prompt', 'x', '--model', './nothing'], 65],
    [['generate', '--prompt', 'x', '--max-seq-len', '9999'], 78],
  ])('%j ends with %i, without a stack trace', async (line, expected) => {
    const { code, stderr } = await trtllm(line)
    expect(code).toBe(expected)
    expect(stderr).not.toMatch(/^ +at /m)
  })

  it('minds nobody reading on: trtllm generate | head -c1', async () => {
    const pipe = `"$0" "$@" | head -c 1; printf ' %s' "\${PIPESTATUS[0]}"`
    const { stdout, stderr } = await run('bash', ['-c', pipe, process.execPath, bin, ...endless])
    expect(stdout).toMatch(/^. 0$/s)
    expect(stderr).toBe('')
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s during an answer ends it with %i', async (signal, expected) => {
    const { code, stdout, stderr } = await trtllm(endless, { onText: (kill) => kill(signal) })
    expect([code, stderr]).toEqual([expected, ''])
    expect(stdout.length).toBeGreaterThan(0)
  })
})
