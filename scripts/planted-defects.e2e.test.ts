import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const isSoak = process.env.TRTLLM_SOAK === '1'

/** A mistake that somebody could make in one place, and the tests that have to find it. */
interface Defect {
  name: string
  file: string
  find: string
  replace: string
}
interface Watch {
  tests: string
  /** Part of the names of the tests; all of the file by default. */
  named?: string
  /** They find by waiting: a minute is too long for every run. */
  inSoakOnly?: boolean
  defects: Defect[]
}

const checks = (name: string, condition: string): Defect => {
  const file = 'packages/models/src/checkpoint/safetensors-header.ts'
  return { name, file, find: `if (${condition}) {`, replace: 'if (false) {' }
}

const watches: Watch[] = [
  {
    tests: 'packages/models/src/checkpoint/damaged-file.test.ts',
    defects: [
      checks('lets tensors overlap', 'offset < covered'),
      checks('lets data between tensors belong to none', 'offset > covered'),
      checks('lets a file end before its tensors do', 'covered > fileBytes'),
      checks('lets a file go on behind its tensors', 'covered < fileBytes'),
      checks('believes a size that the shape does not have', 'bits !== BigInt(end - begin) * 8n'),
      checks('lets elements lie across their boundaries', 'elementBytes > 1 && offset % elementBytes !== 0'),
    ],
  },
  {
    tests: 'packages/serve/src/many-clients.test.ts',
    named: 'it answers everyone',
    defects: [
      {
        name: 'admits whoever comes',
        file: 'packages/serve/src/lifecycle/active-requests.ts',
        find: 'if (this.#sequences > 0 && this.#sequences + sequences > room)',
        replace: 'if (false)',
      },
      {
        name: 'refuses without saying when to come again',
        file: 'packages/serve/src/lifecycle/active-requests.ts',
        find: '`, { retryAfterSeconds })',
        replace: '`, {})',
      },
      {
        name: 'never gives back what was admitted',
        file: 'packages/serve/src/lifecycle/active-requests.ts',
        find: 'this.#sequences -= request.sequences\n',
        replace: '',
      },
    ],
  },
  {
    tests: 'packages/serve/src/life-cycle.test.ts',
    named: 'is ended as slow_client',
    inSoakOnly: true,
    defects: [
      {
        name: 'holds whatever a slow reader leaves',
        file: 'packages/serve/src/stream/event-stream.ts',
        find: 'return !writableNeedDrain || this.#response.writableLength <= this.#limits.streamBufferBytes',
        replace: 'return true',
      },
      {
        name: 'waits for a slow reader for ever',
        file: 'packages/serve/src/stream/event-stream.ts',
        find: '}, this.#limits.streamStallMs)\n    source.on',
        replace: '}, 2 ** 30)\n    source.on',
      },
    ],
  },
]

/** Runs tests in a process of their own, with a defect where one is given: how many passed and failed. */
function run({ tests, named }: Watch, defect?: Defect): Promise<{ passed: number; failed: number }> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(VITEST|TRTLLM_SOAK$)/.test(name))
  const env = { ...Object.fromEntries(inherited), ...(defect && { TRTLLM_PLANT: JSON.stringify(defect) }) }
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', '--reporter=json', tests]
  if (named) args.push('-t', named)
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: root, env, maxBuffer: 2 ** 26 }, (_error, stdout, stderr) => {
      const begin = stdout.indexOf('{"num')
      if (begin < 0) return reject(new Error(`no report: ${stdout}${stderr}`))
      const { numPassedTests: passed, numFailedTests: failed } = JSON.parse(stdout.slice(begin))
      resolve({ passed, failed })
    })
  })
}

describe.each(watches.filter(({ inSoakOnly }) => isSoak || !inSoakOnly))('$tests', (watch) => {
  it('passes without a defect', async () => {
    const { passed, failed } = await run(watch)
    expect(failed).toBe(0)
    expect(passed).toBeGreaterThan(0)
  }, 120_000)

  // One of each kind in every run, all of them in a soak.
  it.each(isSoak ? watch.defects : watch.defects.slice(0, 1))(
    'finds code that $name',
    async (defect) => {
      // A place that is not there once fails as a whole file, with no test in it.
      expect((await run(watch, defect)).failed).toBeGreaterThan(0)
    },
    120_000,
  )
})
