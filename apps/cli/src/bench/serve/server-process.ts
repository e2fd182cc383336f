import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { TrtllmError } from '@trtllm/kernels'
import type { ModelFlags } from '../../flags/model-flags.js'

/** Flags of a model that trtllm-serve has too. */
const shared = [
  'device',
  'dtype',
  'quant',
  'kvCacheDtype',
  'tokenizer',
  'chatTemplate',
  'revision',
  'loadFormat',
  'deterministic',
  'maxBatchSize',
  'maxNumTokens',
  'maxSeqLen',
  'kvCacheFreeGpuMemoryFraction',
  'kvCacheMaxTokens',
  'capacitySchedulerPolicy',
  'contextChunkingPolicy',
  'enableBlockReuse',
  'disableOverlapScheduler',
] as const satisfies readonly (keyof ModelFlags)[]

/** The command line of a server of this model that holds `maxQueue` waiting requests, without the program. */
export function serverFlags(flags: ModelFlags, maxQueue: number): string[] {
  const given = shared.flatMap((key) => {
    const value = flags[key]
    const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    return value === undefined ? [] : value === true ? [flag] : [flag, String(value)]
  })
  const model = flags.model === undefined ? [] : ['--model', flags.model]
  return [...model, ...given, '--port', '0', '--max-queue', String(maxQueue), '--log-level', 'warn']
}

/** Where trtllm-serve lies beside this program: in a portable bundle, in a clone, in a folder of packages. */
const places = [
  'trtllm-serve.js',
  '../../serve/bin/trtllm-serve.mjs',
  '../../trtllm-serve/bin/trtllm-serve.mjs',
]

/** A server of its own, ended with this object. */
export class ServerProcess implements AsyncDisposable {
  readonly url: string
  readonly model: string
  readonly pid: number
  readonly #child: ChildProcess
  readonly #ended: Promise<string>

  private constructor(url: string, model: string, child: ChildProcess, ended: Promise<string>) {
    this.url = url
    this.model = model
    this.pid = child.pid!
    this.#child = child
    this.#ended = ended
  }

  /** Starts trtllm-serve as this program was started. Resolves when it takes requests. @throws with what it said. */
  static start(
    [node, script]: readonly string[],
    flags: readonly string[],
    signal: AbortSignal,
  ): Promise<ServerProcess> {
    const here = dirname(realpathSync(script!))
    const file = places.map((place) => join(here, place)).find(existsSync)
    if (file === undefined)
      throw new TrtllmError(
        'bad_flag',
        'there is no trtllm-serve beside this program; start one and name it with --url',
      )
    return new Promise((resolve, reject) => {
      const child = spawn(node!, [file, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] })
      let [stdout, stderr] = ['', '']
      const stop = () => child.kill('SIGTERM')
      signal.addEventListener('abort', stop, { once: true })
      const ended = new Promise<string>((over) => {
        child.on('error', (error) => over(error.message))
        child.on('close', (code, killed) => over(killed ? `was ended by ${killed}` : `ended with ${code}`))
      })
      void ended.then((how) => {
        signal.removeEventListener('abort', stop)
        const said = stderr.trim().split('\n').at(-1) ?? ''
        reject(signal.aborted ? signal.reason : new TrtllmError('internal', `trtllm-serve ${how}: ${said}`))
      })
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr = (stderr + text).slice(-4000)
      })
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text
        const [, model, url] = /^Serving (.*) on (http:\S+)$/m.exec(stdout) ?? []
        if (model && url) resolve(new ServerProcess(url, model, child, ended))
      })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#ended
  }
}
