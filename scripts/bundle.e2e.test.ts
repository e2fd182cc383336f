import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { elfNeeds, machineCodeIn } from './elf-needs.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const MiB = 1 << 20
const scratch = mkdtempSync(join(tmpdir(), 'trtllm-bundle-'))
const bare = join(scratch, 'bin')
const spaced = join(scratch, 'with a space')
let folder: string

/** A machine that has a shell and nothing else. */
const emptyEnvironment = { PATH: bare }

function bundle(name: string, ...flags: string[]): string {
  const out = join(scratch, name)
  const script = join(root, 'scripts/bundle.mjs')
  const made = spawnSync(process.execPath, [script, '--no-cuda', '--out', out, ...flags], {
    encoding: 'utf8',
  })
  expect(made.status, made.stdout + made.stderr).toBe(0)
  return out
}

const run = (command: string, ...args: string[]): SpawnSyncReturns<string> =>
  spawnSync(command, args, { cwd: '/', env: emptyEnvironment, encoding: 'utf8' })

beforeAll(() => {
  for (const path of [bare, spaced]) mkdirSync(path)
  for (const name of ['sh', 'readlink']) symlinkSync(join('/usr/bin', name), join(bare, name))
  const archive = bundle('bundle.tar.gz')
  expect(statSync(archive).size).toBeLessThanOrEqual(60 * MiB)
  expect(spawnSync('tar', ['-xzf', archive, '-C', spaced]).status).toBe(0)
  folder = join(spaced, readdirSync(spaced)[0]!)
}, 300_000)
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

it('every binary runs with glibc 2.34, and what they need beside it is inside', () => {
  const binaries = machineCodeIn(folder)
  const addon = 'lib/app/node_modules/@trtllm/kernels-linux-x64/trtllm_kernels.node'
  const cxx = ['lib/c++/libgcc_s.so.1', 'lib/c++/libstdc++.so.6']
  expect(binaries.map((file) => relative(folder, file)).sort()).toEqual([addon, ...cxx, 'lib/node'])
  for (const file of binaries) {
    const { glibc, libraries } = elfNeeds(file)
    expect(Number(glibc.split('.')[1]), file).toBeLessThanOrEqual(34)
    const others = libraries.filter((name) => !/^(lib(c|m|dl|pthread|rt)|ld-linux-x86-64)\.so/.test(name))
    expect(others, file).toEqual(file.endsWith('/node') ? ['libgcc_s.so.1', 'libstdc++.so.6'] : [])
  }
})

it('answers from any directory and through a symbolic link', () => {
  const link = join(scratch, 'linked')
  symlinkSync(join('with a space', relative(spaced, folder), 'bin/trtllm'), link)
  for (const command of [join(folder, 'bin/trtllm'), link]) {
    const flags = ['--prompt', 'Once upon a time', '--max-tokens', '8', '--device', 'cpu', '--json']
    const { status, stdout, stderr } = run(command, 'generate', ...flags)
    expect(status, stderr).toBe(0)
    expect(stdout).toMatch(/[a-z]{3}/)
  }
})

it('runs with its own C++ library where the system has none', () => {
  const { status, stdout, stderr } = spawnSync(
    join(folder, 'lib/node'),
    ['-p', "require('node:fs').readFileSync('/proc/self/maps', 'utf8')"],
    { env: { LD_LIBRARY_PATH: join(folder, 'lib/c++'), LD_BIND_NOW: '1' }, encoding: 'utf8' },
  )
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  for (const name of ['libstdc++.so.6', 'libgcc_s.so.1'])
    expect(stdout).toContain(join(folder, 'lib/c++', name))
})

it('serves: health, a completion from an engine in its own process, and an end by signal', async () => {
  const flags = ['--port', '0', '--device', 'cpu']
  const server = spawn(join(folder, 'bin/trtllm-serve'), flags, { cwd: '/', env: emptyEnvironment })
  try {
    let output = ''
    for (const stream of [server.stdout, server.stderr]) stream.on('data', (text) => (output += text))
    const exit = new Promise<number | null>((resolve) => server.on('close', resolve))
    const url = await new Promise<string>((resolve, reject) => {
      server.stdout.on('data', () => {
        const found = /^Serving .* on (http:\S+)$/m.exec(output)
        if (found) resolve(found[1]!)
      })
      void exit.then((code) => reject(new Error(`ended with ${code}: ${output}`)))
    })
    expect((await fetch(`${url}/health`)).status).toBe(200)
    const response = await fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: '@trtllm/tales', prompt: 'Once upon a time', max_tokens: 8 }),
    })
    expect(await response.json()).toMatchObject({ usage: { completion_tokens: 8 } })
    expect(readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8')).toMatch(/^\d+ $/)
    server.kill('SIGTERM')
    expect(await exit, output).toBe(0)
  } finally {
    server.kill('SIGKILL')
  }
})

it('gpu-check tries all of it and writes one result', () => {
  const out = join(scratch, 'result.json')
  const only = ['--only', 'doctor,selftest,concurrent,load', '--requests', '24', '--cycles', '3']
  const { status, stdout, stderr } = spawnSync(
    '/bin/sh',
    [join(root, 'benchmarks/gpu-check.sh'), '--bundle', folder, '--device', 'cpu', '--out', out, ...only],
    { encoding: 'utf8' },
  )
  expect(status, stdout + stderr).toBe(0)
  const result = JSON.parse(readFileSync(out, 'utf8'))
  expect(result).toMatchObject({ passed: true, device: 'cpu', machine: { glibc: expect.any(String) } })
  expect(result.steps.map(({ verdict }: { verdict: string }) => verdict)).toEqual(Array(4).fill('passed'))
})

it('carries the licences of what is inside, and no sources or maps', () => {
  const files = readdirSync(folder, { recursive: true }).map(String)
  expect(files.filter((file) => /\.(map|ts|cc|h|cu)$/.test(file))).toEqual(
    files.filter((file) => file.endsWith('tales/index.d.ts')),
  )
  const licences = files.filter((file) => file.startsWith('licences/'))
  for (const name of ['fastify', 'node', 'node-addon-api', '@huggingface+jinja'])
    expect(licences.some((file) => file.startsWith(`licences/${name}-`))).toBe(true)
  for (const file of licences)
    expect(readFileSync(join(folder, file), 'utf8'), file).toMatch(/copyright|licen[cs]e/i)
})

it('without the model it is at most 32 MiB', () => {
  expect(statSync(bundle('small.tar.xz', '--no-model')).size).toBeLessThanOrEqual(32 * MiB)
}, 300_000)
