import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

/** Load/dispose cycles that are measured; 1,000 for a thorough run (about 5 minutes for each isolation). */
const cycles = Number(process.env.TRTLLM_LOAD_CYCLES ?? 30)
/** Until the allocators and the compiled code have settled. */
const warmUps = 20
/** The weights alone are 24 MiB: two models left behind would show. The allocators' own drift is some 10 MiB. */
const maxGrowthMiB = 48

/** In this folder `trtllm` is this package itself, as built. */
const folder = fileURLToPath(new URL('..', import.meta.url))

/** What the process holds: resident memory, open files, threads and children. */
interface Holdings {
  rssMiB: number
  files: number
  threads: number
  children: string
}

const program = (isolation: string) => `
  import { readdirSync, readFileSync } from 'node:fs'
  import { embeddedModelPath, LLM } from 'trtllm'

  const options = { device: 'cpu', threads: 2, isolation: '${isolation}', maxBatchSize: 4 }
  async function cycle(at) {
    if (at % 5 === 4) {
      const gaveUp = new AbortController()
      const onProgress = (stage) => stage === 'loading weights' && gaveUp.abort('gave up')
      await LLM.load(embeddedModelPath(), { ...options, onProgress, signal: gaveUp.signal }).catch(() => {})
      return
    }
    const llm = await LLM.load(embeddedModelPath(), options)
    await llm.generate('Once upon a time', { maxTokens: 2 })
    await llm.close()
  }
  function holdings() {
    gc()
    return {
      rssMiB: process.memoryUsage.rss() / 2 ** 20,
      files: readdirSync('/proc/self/fd').length,
      threads: readdirSync('/proc/self/task').length,
      children: readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8'),
    }
  }
  for (let at = 0; at < ${warmUps}; at++) await cycle(at)
  const before = holdings()
  for (let at = 0; at < ${cycles}; at++) await cycle(at)
  console.log(JSON.stringify({ before, after: holdings() }))
`

it.each(['thread', 'process'])(
  `nothing is left of ${cycles} models that came and went, engine in a %s`,
  async (isolation) => {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--expose-gc', '--input-type=module', '--eval', program(isolation)],
      { cwd: folder },
    )
    expect(stderr).toBe('')
    const { before, after } = JSON.parse(stdout) as { before: Holdings; after: Holdings }
    console.info(`${isolation}: ${before.rssMiB.toFixed(1)} -> ${after.rssMiB.toFixed(1)} MiB resident`)
    expect(after.rssMiB - before.rssMiB).toBeLessThan(maxGrowthMiB)
    expect(after).toMatchObject({ files: before.files, threads: before.threads, children: '' })
  },
  120_000 + cycles * 1000,
)
