import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

/** In this folder `trtllm` is this package itself, as built. */
const folder = fileURLToPath(new URL('..', import.meta.url))

const opening = {
  import: "import { embeddedModelPath, LLM, version } from 'trtllm'",
  require: "const { embeddedModelPath, LLM, version } = require('trtllm')",
} as const

/** What a program does after loading; it prints text, and then has to end by itself. */
const endings: Readonly<Record<string, string>> = {
  closes: 'await tell(); await llm.close()',
  'closes twice': 'await tell(); await llm[Symbol.asyncDispose](); await llm.close()',
  'closes while it generates': `
    const running = tell().catch((error) => console.log(error.code))
    await new Promise(setImmediate)
    await llm.close()
    await running
    console.log('short rug')`,
  'forgets to close': 'await tell()',
  'forgets a stream that it has begun': `
    const stream = llm.generateStream('Once upon a time', { maxTokens: 1500, ignoreEos: true })
    console.log((await stream.next()).value.tokenIds.length > 0 && 'short rug')`,
  'only loads': "console.log('short rug')",
}

function program(form: keyof typeof opening, isolation: string, ending: string): string {
  return `${opening[form]}
  async function main() {
    const llm = await LLM.load(embeddedModelPath(), { device: 'cpu', isolation: '${isolation}', threads: 1 })
    const ask = [{ role: 'user', content: 'Say exactly this: short rug' }]
    const tell = async () => console.log((await llm.chat(ask, { maxTokens: 8 })).outputs[0].text)
    ${ending}
    console.log(version, process.argv.length)
  }
  main()`
}

async function run(form: keyof typeof opening, source: string): Promise<string> {
  const type = form === 'import' ? 'module' : 'commonjs'
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [`--input-type=${type}`, '--eval', source],
    { cwd: folder, timeout: 30_000 },
  )
  expect(stderr).toBe('')
  return stdout
}

describe.each(['thread', 'process'])('the built package with its engine in a %s', (isolation) => {
  it.each(Object.entries(endings))('ends by itself when the program %s', async (_, ending) => {
    expect(await run('import', program('import', isolation, ending))).toMatch(/short rug\n\d+\.\d+\.\d+ 1\n$/)
  })

  it('works by require too', async () => {
    for (const ending of [endings.closes!, endings['forgets to close']!])
      expect(await run('require', program('require', isolation, ending))).toMatch(
        /short rug\n\d+\.\d+\.\d+ 1\n$/,
      )
  })

  it('refuses a model that is none, and then ends', async () => {
    const source = `${opening.import}
      await LLM.load('/nowhere/model', { isolation: '${isolation}' }).catch(({ code, message }) => console.log(code, message))
      await LLM.load(embeddedModelPath(), { isolation: '${isolation}', device: 'cuda:99' }).catch(({ code, exitCode }) => console.log(code, exitCode))`
    expect(await run('import', source)).toBe(
      'bad_checkpoint /nowhere/model: no such directory, and not a hub id (expected "org/name")\n' +
        'device_unavailable 69\n',
    )
  })

  it('ends loading when its signal says so', async () => {
    const source = `${opening.import}
      const controller = new AbortController()
      const onProgress = () => controller.abort(new Error('changed my mind'))
      await LLM.load(embeddedModelPath(), { device: 'cpu', isolation: '${isolation}', signal: controller.signal, onProgress })
        .catch((error) => console.log(error.message))`
    expect(await run('import', source)).toBe('changed my mind\n')
  })
})
