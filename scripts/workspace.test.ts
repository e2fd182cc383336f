import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trtllm-tools-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Runs a script where only some programs are found, each standing for one that tells a version. */
function runBare(script: string, programs: string[], more: Record<string, string> = {}) {
  for (const program of programs) symlinkSync(process.execPath, join(folder, program))
  const file = fileURLToPath(new URL(script, import.meta.url))
  return spawnSync(process.execPath, [file], { env: { PATH: folder, ...more }, encoding: 'utf8' })
}

test('npm start names every missing tool and the command that brings them', () => {
  const { status, stderr } = runBare('./start.mjs', [])
  expect(status).toBe(1)
  expect(stderr).toMatch(
    /^The native code is built on this machine, and g\+\+, cmake, make are missing\.\nOn Debian and Ubuntu: (sudo )?apt-get install -y g\+\+ cmake make\n$/,
  )
})

test('npm start tells a flag that npm kept for itself', () => {
  const { status, stderr } = runBare('./start.mjs', [], { npm_config_port: '9000' })
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: 'npm took --port 9000 for itself; write: npm start -- --port 9000\n',
  })
})

test('one missing tool is named alone', () => {
  const { stderr } = runBare('./start.mjs', ['cmake', 'ninja'])
  expect(stderr).toContain('and g++ is missing.')
})

test('npm test closes with its count even so, and fails', () => {
  const { status, stdout } = runBare('./test.mjs', ['g++'])
  expect(status).toBe(1)
  expect(stdout.trimEnd().split('\n').at(-1)).toBe('0 passed, 1 failed')
})

test('npm can read the manifest of the root, whose versions are those of the catalog', () => {
  const read = (name: string) => readFileSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), 'utf8')
  const { devDependencies, engines } = JSON.parse(read('package.json'))
  const entries = read('pnpm-workspace.yaml').matchAll(/^ {2}"?([^"\s]+?)"?: (\d\S*)$/gm)
  const catalog = Object.fromEntries([...entries].map(([, name, version]) => [name, version]))
  const shared = Object.keys(devDependencies).filter((name) => name in catalog)
  expect(shared).toContain('vitest')
  expect(shared.map((name) => [name, devDependencies[name]])).toEqual(
    shared.map((name) => [name, catalog[name]]),
  )
  expect(Object.values(devDependencies).filter((version) => !/^\d/.test(String(version)))).toEqual([])
  // With engine-strict in .npmrc, `npm install` closes with this sentence.
  expect(engines.npm).toMatch(/npm start, npm test or pnpm install/)
})
