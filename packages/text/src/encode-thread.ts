import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { EncodeOptions } from './tokenizer.js'

/** What the thread is asked, and what it answers. */
export interface EncodeTask {
  readonly nonce: number
  readonly text: string
  readonly addSpecialTokens: boolean
}
export interface EncodeAnswer {
  readonly nonce: number
  readonly ids: Uint32Array
}

/** The built worker lies beside this module; running from source there is none. */
function workerFile(): string | undefined {
  const here = import.meta.url
  const file = fileURLToPath(
    new URL(here.endsWith('.cjs') ? './encode-worker.cjs' : './encode-worker.js', here),
  )
  return existsSync(file) ? file : undefined
}

/** Encodes texts in a thread that starts with the first one. It never keeps the process alive by being idle. */
export class EncodeThread {
  readonly #directory: string
  readonly #waiting = new Map<number, (ids: number[] | undefined) => void>()
  #worker: Worker | undefined
  #isOff = false
  #nonces = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Token ids, or undefined where no thread can be had: the caller then encodes by itself. */
  encode(text: string, { addSpecialTokens = true }: EncodeOptions): Promise<number[] | undefined> {
    const worker = this.#start()
    if (!worker) return Promise.resolve(undefined)
    const nonce = ++this.#nonces
    return new Promise((resolve) => {
      this.#waiting.set(nonce, resolve)
      worker.ref()
      worker.postMessage({ nonce, text, addSpecialTokens } satisfies EncodeTask)
    })
  }

  /** Ends the thread; texts in it are left to their callers. */
  close(): void {
    this.#isOff = true
    void this.#worker?.terminate()
    this.#giveUp()
  }

  #start(): Worker | undefined {
    if (this.#worker || this.#isOff) return this.#worker
    const file = workerFile()
    if (!file) return undefined
    const worker = new Worker(file, { workerData: { directory: this.#directory }, execArgv: [] })
    worker.on('message', ({ nonce, ids }: EncodeAnswer) => this.#answer(nonce, [...ids]))
    worker.on('error', () => {
      // A thread that cannot live here is not tried again; encoding in place always works.
      this.#isOff = true
    })
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined
      this.#giveUp()
    })
    worker.unref()
    this.#worker = worker
    return worker
  }

  #answer(nonce: number, ids: number[] | undefined): void {
    this.#waiting.get(nonce)?.(ids)
    this.#waiting.delete(nonce)
    if (this.#waiting.size === 0) this.#worker?.unref()
  }

  #giveUp(): void {
    for (const nonce of [...this.#waiting.keys()]) this.#answer(nonce, undefined)
  }
}
