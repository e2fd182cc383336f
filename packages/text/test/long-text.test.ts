import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { modelPath } from '@trtllm/tales'
import { build } from 'tsup'
import { afterAll, beforeAll, expect, it } from 'vitest'

const source = (name: string) => fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url))
let folder: string

/** The package as tsup builds it, self-contained. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trtllm-text-built-'))
  await build({
    config: false,
    silent: true,
    entry: [source('index'), source('encode-worker')],
    outDir: folder,
    format: ['esm', 'cjs'],
    target: 'node20',
    platform: 'node',
    shims: true,
    noExternal: [/./],
    esbuildOptions: (options) => {
      options.conditions = ['source', 'node']
    },
  })
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** Encodes a long text in a thread; the loop must turn meanwhile, and the process must end by itself. */
const program = `
  const tokenizer = loadTokenizer(${JSON.stringify(modelPath)})
  const text = 'Once upon a time there was a fox. '.repeat(20000)
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  const [one, two] = await Promise.all([
    tokenizer.encodeAsync(text),
    tokenizer.encodeAsync(text + ' The end', { addSpecialTokens: false }),
  ])
  clearInterval(timer)
  const same = (a, b) => a.length === b.length && a.every((id, at) => id === b[at])
  console.log(JSON.stringify({
    same: same(one, tokenizer.encode(text)) && same(two, tokenizer.encode(text + ' The end', { addSpecialTokens: false })),
    turned: turns > 10,
  }))
`

it.each([
  ['index.js', 'main.mjs', `import { loadTokenizer } from './index.js'\n${program}`],
  [
    'index.cjs',
    'main.cjs',
    `const { loadTokenizer } = require('./index.cjs')\nvoid (async () => {${program}})()`,
  ],
])('a long text is encoded in a thread by %s', async (_, name, text) => {
  await writeFile(join(folder, name), text)
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, name)])
  expect(JSON.parse(stdout)).toEqual({ same: true, turned: true })
})
