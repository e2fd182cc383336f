import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { elfNeeds, machineCodeIn } from './elf-needs.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const example = readFileSync(join(root, 'examples/01-generate.mjs'), 'utf8')
const scratch = mkdtempSync(join(tmpdir(), 'trtllm-packed-'))
const project = join(scratch, 'project')
const installed = join(project, 'node_modules')
const bare = join(scratch, 'bin')

/** Runs a script of the project on a PATH that has Node and a shell: no compiler, no cmake, no pnpm. */
const node = (...args: string[]): SpawnSyncReturns<string> =>
  spawnSync(process.execPath, args, {
    cwd: project,
    encoding: 'utf8',
    // pnpm's launchers put the workspace's own packages on NODE_PATH.
    env: { ...process.env, PATH: bare, NODE_PATH: '', TRTLLM_NATIVE_DIR: '' },
  })

function findNpm(): string {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const npm = folders
    .map((folder) => join(folder, 'npm'))
    .find((path) => spawnSync(path, ['-v']).status === 0)
  return realpathSync(npm!)
}

beforeAll(() => {
  const packed = spawnSync(
    process.execPath,
    [join(root, 'scripts/pack.mjs'), '--no-cuda', '--out', join(scratch, 'tarballs')],
    { encoding: 'utf8' },
  )
  expect(packed.status, packed.stdout + packed.stderr).toBe(0)
  for (const folder of [project, bare]) mkdirSync(folder)
  symlinkSync(process.execPath, join(bare, 'node'))
  for (const name of ['sh', 'env']) symlinkSync(join('/usr/bin', name), join(bare, name))
  writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true }')
  const tarballs = readdirSync(join(scratch, 'tarballs')).map((file) => join(scratch, 'tarballs', file))
  // Strict about engines: every package of the tree must run on the oldest Node that ours do.
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--engine-strict']
  const npm = node(findNpm(), 'install', ...quiet, ...tarballs)
  expect(npm.status, npm.stdout + npm.stderr).toBe(0)
}, 300_000)
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

it('the README example runs by import', () => {
  cpSync(join(root, 'examples/01-generate.mjs'), join(project, 'example.mjs'))
  const { status, stdout, stderr } = node('example.mjs')
  expect(status, stderr).toBe(0)
  expect(stdout).toMatch(/[a-z]{3,}[\s\S]*\d+ tokens\/s/)
})

it('the README example runs by require', () => {
  const asCommonJs = example.replace(/^import (\{.*\}) from '(.*)'$/gm, "const $1 = require('$2')")
  expect(asCommonJs).toContain("require('trtllm')")
  writeFileSync(join(project, 'example.cjs'), `(async () => {\n${asCommonJs}\n})()`)
  const { status, stdout, stderr } = node('example.cjs')
  expect(status, stderr).toBe(0)
  expect(stdout).toMatch(/[a-z]{3,}[\s\S]*\d+ tokens\/s/)
})

it('the declarations need no option of the compiler', () => {
  const options = { module: 'nodenext', target: 'es2022', strict: true, noEmit: true }
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['use.mts'] }),
  )
  writeFileSync(
    join(project, 'use.mts'),
    `import { LLM, type SamplingParams } from 'trtllm'
     const params: SamplingParams = { maxTokens: 8 }
     const llm = await LLM.load('model', { device: 'cpu' })
     const text: string = (await llm.generate('Once', params)).outputs[0]!.text
     for await (const delta of llm.generateStream(text)) console.log(delta.text, llm.tokenizer.encode('x'))
     await llm.close()`,
  )
  const { status, stdout } = node(join(root, 'node_modules/typescript/bin/tsc'), '-p', project)
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
})

it('the commands start', () => {
  const { version } = JSON.parse(readFileSync(join(installed, 'trtllm/package.json'), 'utf8'))
  for (const command of ['trtllm', 'trtllm-bench', 'trtllm-serve']) {
    const { status, stdout, stderr } = node(join(installed, '.bin', command), '--version')
    expect({ status, version: stdout.trim(), stderr }).toEqual({ status: 0, version, stderr: '' })
  }
})

it('manifests name versions, and only what belongs to users is packed', () => {
  const scoped = readdirSync(join(installed, '@trtllm')).map((name) => `@trtllm/${name}`)
  for (const name of ['trtllm', 'trtllm-cli', 'trtllm-serve', ...scoped]) {
    const files = readdirSync(join(installed, name), { recursive: true }).map(String)
    expect(readFileSync(join(installed, name, 'package.json'), 'utf8')).not.toMatch(/workspace:|catalog:/)
    expect(files.filter((file) => /\.test\.|(^|\/)(src|test|goldens|tools)(\/|$)|\.cu$/.test(file))).toEqual(
      [],
    )
    expect(files).toContain('LICENSE')
  }
  expect(readdirSync(join(installed, '@trtllm/kernels-linux-x64')).sort()).toEqual(
    ['LICENSE', 'build-info.json', 'package.json', 'trtllm_kernels.node'].sort(),
  )
})

it('the addon runs with glibc 2.34 and brings its own C++ library', () => {
  const binaries = machineCodeIn(join(installed, '@trtllm'))
  expect(binaries).toHaveLength(1)
  const { glibc, libraries } = elfNeeds(binaries[0]!)
  expect(Number(glibc.split('.')[1])).toBeLessThanOrEqual(34)
  expect(libraries.filter((name) => !/^(lib(c|m|dl|pthread)|ld-linux-x86-64)\.so/.test(name))).toEqual([])
})

it('without the platform package the error says what was tried and how to build', () => {
  rmSync(join(installed, '@trtllm/kernels-linux-x64'), { recursive: true })
  const { status, stderr } = node('example.mjs')
  expect(status).not.toBe(0)
  expect(stderr).toContain(
    `no native build of @trtllm/kernels for linux-x64; tried ${realpathSync(installed)}/@trtllm/kernels/build/Release ` +
      '(not built), @trtllm/kernels-linux-x64 (not installed). Install @trtllm/kernels-linux-x64, or build it here with ' +
      `g++ and cmake: node "${realpathSync(installed)}/@trtllm/kernels/scripts/build-native.mjs"`,
  )
  const build = node(join(dirname(installed), 'node_modules/@trtllm/kernels/scripts/build-native.mjs'))
  expect(build.status).toBe(1)
  expect(build.stderr).toContain('cmake is missing')
})
