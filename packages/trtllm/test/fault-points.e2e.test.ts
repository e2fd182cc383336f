import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** Every call in a soak, else about this many of them, spread over the whole life. */
const isSoak = process.env.TRTLLM_SOAK === '1'
const someCalls = 40

const preload = fileURLToPath(new URL('../../kernels/build/test/libtrtllm_fault_points.so', import.meta.url))
const child = fileURLToPath(new URL('fault-points-child.mjs', import.meta.url))

/** What the child saw when one call failed: a model loaded, 20 requests, and all of it once more without a failure. */
interface Seen {
  number: number
  /** Whether the call was made. */
  hits: number
  /** Answers that came and were others than without a failure. */
  wrong: number
  /** Codes of the errors. */
  failures: string[]
  /** Whether everything was as ever afterwards. */
  isWell: boolean
  after: string[]
  memory: number
}

describe.runIf(process.platform === 'linux')('calls of the system that fail', () => {
  let folder: string
  let lines: AsyncIterator<string>
  let life: ReturnType<typeof spawn>
  let calls = 0
  let ended = ''

  const next = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`the process is gone: ${ended}`)
    return JSON.parse(value)
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'faults-'))
    const file = join(folder, 'words')
    writeFileSync(file, new Uint8Array(12))
    life = spawn(process.execPath, [child], {
      env: { ...process.env, LD_PRELOAD: preload, TRTLLM_FAULT_FILE: file },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    life.on('exit', (code, signal) => {
      ended = `exit ${code}, signal ${signal}`
    })
    lines = createInterface({ input: life.stdout! })[Symbol.asyncIterator]()
    const { calls: counted, failures } = await next()
    expect(failures).toEqual([])
    calls = counted
  })
  afterAll(() => {
    life.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  })

  it(
    'are told by name, wherever they are: nothing crashes, no answer is wrong, and the next model is well',
    async () => {
      expect(calls).toBeGreaterThan(500)
      const step = isSoak ? 1 : Math.floor(calls / someCalls)
      const bad: Seen[] = []
      const memory: number[] = []
      let [hit, failed] = [0, 0]
      for (let number = 1; number <= calls; number += step) {
        life.stdin!.write(`${number}\n`)
        const seen: Seen = await next()
        const isTyped = seen.failures.every((code) => codes.has(code))
        if (!isTyped || seen.wrong > 0 || !seen.isWell) bad.push(seen)
        hit += seen.hits
        if (seen.failures.length > 0) failed++
        memory.push(seen.memory)
      }
      expect(bad).toEqual([])
      // Threads make the number of calls differ a little from life to life.
      expect(hit).toBeGreaterThan(0.9 * memory.length)
      expect(failed).toBeGreaterThan(0.5 * memory.length)
      const quarter = Math.floor(memory.length / 4)
      const mean = (some: number[]) => some.reduce((sum, bytes) => sum + bytes, 0) / some.length
      const growth = mean(memory.slice(-quarter)) - mean(memory.slice(quarter, 2 * quarter))
      expect(growth / 2 ** 20).toBeLessThan(48)
    },
    isSoak ? 2_400_000 : 240_000,
  )
})

/** What a call that fails may be told as. */
const codes: ReadonlySet<string> = new Set([
  ...['out_of_memory', 'bad_checkpoint', 'engine_died', 'engine_fault', 'device_unavailable'],
])
