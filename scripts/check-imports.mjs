#!/usr/bin/env node
// Arrows point down: fails when a room imports a higher one (docs/architecture.md). Reads real import statements.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** Packages by floor, lowest first. A package imports lower floors only. */
const floors = [
  ['@trtllm/tales'],
  ['@trtllm/kernels'],
  ['@trtllm/graph'],
  ['@trtllm/models', '@trtllm/quant', '@trtllm/text', '@trtllm/runtime'],
  ['trtllm'],
  ['@trtllm/serve', '@trtllm/contrib'],
  ['trtllm-cli', 'trtllm-serve', 'trtllm-examples'],
]
const floorOf = new Map(floors.flatMap((names, floor) => names.map((name) => [name, floor])))

/** Rooms of the addon, lowest first; files here include lower rooms only. */
const nativeRooms = ['core', 'backend', 'plan', 'step', 'bind']

/** Deciders: given everything they need, time included. */
const pureRooms = ['packages/runtime/src/scheduler/', 'packages/runtime/src/cache/']

/** Every broken arrow under `root`, as "file: sentence". */
export function brokenArrows(root) {
  const broken = []
  for (const folder of ['packages', 'apps', 'examples', 'cuda'])
    for (const file of sources(join(root, folder))) {
      const path = relative(root, file)
      const check = path.endsWith('.ts') ? typescriptArrows : nativeArrows
      for (const sentence of check(root, path, readFileSync(file, 'utf8')))
        broken.push(`${path}: ${sentence}`)
    }
  return broken
}

function* typescriptArrows(root, path, text) {
  const owner = packageOf(root, path)
  const floor = floorOf.get(owner)
  if (floor === undefined) return yield `package ${owner} has no floor in scripts/check-imports.mjs`
  for (const { fileName: name } of ts.preProcessFile(text, true, true).importedFiles) {
    if (name.startsWith('.')) yield* relativeArrows(path, name)
    else {
      const target = name.split('/', name.startsWith('@') ? 2 : 1).join('/')
      const below = floorOf.get(target)
      if (below !== undefined && below >= floor && target !== owner)
        yield `${owner} imports ${name}, which is not below it`
      if (below !== undefined && isPure(path)) yield `imports ${name}, but deciders import no other package`
    }
  }
  if (isPure(path) && !path.endsWith('.test.ts') && /\b(Date\.now|performance\.now|setTimeout)\b/.test(text))
    yield 'reads a clock, but deciders take time as an argument'
}

function* relativeArrows(path, name) {
  const target = join(dirname(path), name)
  const [room] = /^(packages|apps)\/[^/]+\//.exec(path) ?? ['']
  if (!target.startsWith(room)) yield `imports ${name} of another package by its path`
  const isTest = path.endsWith('.test.ts')
  if (isPure(path) && !isTest && !isPure(target)) yield `imports ${name}, but deciders import only each other`
}

const isPure = (path) => pureRooms.some((room) => path.startsWith(room))

function* nativeArrows(_root, path, text) {
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
  const room = nativeRoom(path)
  for (const [, name] of code.matchAll(/^\s*#\s*include\s*[<"]([^>"]+)[>"]/gm)) {
    if (/^(napi\.h|node_api\.h|js_native_api\.h|uv\.h|v8\.h)$/.test(name) && room !== 'bind')
      yield `includes ${name}, which only packages/kernels/native/bind may`
    const target = nativeRoom(join(dirname(path), name))
    if (room && target && nativeRooms.indexOf(target) > nativeRooms.indexOf(room))
      yield `native/${room} includes ${name} of native/${target}, which is above it`
  }
  const isDevice = path.startsWith('cuda/') || /\.cuh?$/.test(path)
  if (isDevice && /\basm\b\s*(volatile)?\s*\(/.test(code) && !path.startsWith('cuda/include/trtllm/ptx/'))
    yield 'contains asm, which only cuda/include/trtllm/ptx may'
  if (path.startsWith('cuda/') && /#\s*include\s*"[^"]*packages\//.test(code))
    yield 'includes a file of packages, but cuda knows no op'
}

function nativeRoom(path) {
  const [, room] = /^packages\/kernels\/native\/([^/]+)\//.exec(path) ?? []
  return nativeRooms.includes(room) ? room : undefined
}

const names = new Map()
function packageOf(root, path) {
  const folder = path
    .split('/')
    .slice(0, path.startsWith('examples/') ? 1 : 2)
    .join('/')
  const manifest = join(root, folder, 'package.json')
  if (!names.has(manifest)) names.set(manifest, JSON.parse(readFileSync(manifest, 'utf8')).name)
  return names.get(manifest)
}

const skipped = new Set(['node_modules', 'dist', 'build', 'generated'])

function* sources(folder) {
  if (!existsSync(folder)) return
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && !skipped.has(entry.name) && !entry.name.startsWith('.')) yield* sources(path)
    else if (
      entry.isFile() &&
      /(\.ts|\.cc|\.cu|\.cuh|\.h)$/.test(entry.name) &&
      !entry.name.startsWith('tsup.')
    )
      yield path
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const broken = brokenArrows(fileURLToPath(new URL('..', import.meta.url)))
  for (const sentence of broken) console.error(sentence)
  console.log(
    broken.length === 0 ? 'imports: every arrow points down' : `imports: ${broken.length} arrows point up`,
  )
  process.exitCode = broken.length === 0 ? 0 : 1
}
