import { setTimeout as wait } from 'node:timers/promises'
import { TrtllmError } from '@trtllm/kernels'

/** How often a request that failed without progress is repeated, and the first pause (it doubles, up to 8 s). */
export interface HubRetry {
  readonly attempts: number
  readonly delayMs: number
}

/** Requests to one hub for one repository: token only to the hub's own origin, stalls cut, pauses between retries. */
export class HubRequests {
  constructor(
    readonly repository: string,
    readonly endpoint: string,
    private readonly token: string | undefined,
    readonly retry: HubRetry,
    /** Longest silence of a connection before it counts as broken. */
    private readonly stallMs: number,
    private readonly signal: AbortSignal | undefined,
  ) {}

  get hasToken(): boolean {
    return this.token !== undefined
  }

  /** A GET that follows redirects; the token is dropped when one leaves the hub's origin. */
  async get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    this.signal?.throwIfAborted()
    const isHub = new URL(url).origin === new URL(this.endpoint).origin
    const authorization = isHub && this.token ? { authorization: `Bearer ${this.token}` } : {}
    const stall = new AbortController()
    const timer = setTimeout(() => stall.abort(new Error(`no answer for ${this.stallMs} ms`)), this.stallMs)
    try {
      return await fetch(url, {
        // Compressed bodies would make ranges and sizes mean something else.
        headers: { 'accept-encoding': 'identity', ...headers, ...authorization },
        signal: this.signal ? AbortSignal.any([this.signal, stall.signal]) : stall.signal,
      })
    } finally {
      clearTimeout(timer)
    }
  }

  /** The body in pieces; silence beyond the stall limit ends it with an error. */
  async *chunks(response: Response): AsyncGenerator<Uint8Array> {
    if (!response.body) return
    const reader = response.body.getReader()
    try {
      for (;;) {
        const { done, value } = await this.unlessStalled(reader.read())
        if (done) return
        yield value
      }
    } finally {
      await reader.cancel().catch(() => undefined)
    }
  }

  /** `fetch` for @huggingface/hub: ours, with retries while the hub is overloaded or unreachable. */
  readonly fetch = async (input: Parameters<typeof fetch>[0]): Promise<Response> => {
    const url = input instanceof Request ? input.url : String(input)
    for (let failures = 1; ; failures++) {
      const last = failures > this.retry.attempts
      try {
        const response = await this.get(url, { accept: 'application/json' })
        if (last || (response.status < 500 && response.status !== 429)) return response
        await response.body?.cancel()
      } catch (error) {
        if (last || this.isFinal(error)) throw error
      }
      await this.pause(failures)
    }
  }

  /** True for an error that no retry mends: ours, or the caller's abort. */
  isFinal(error: unknown): boolean {
    return error instanceof TrtllmError || this.signal?.aborted === true
  }

  async pause(failures: number): Promise<void> {
    const delayMs = Math.min(8000, this.retry.delayMs * 2 ** (failures - 1))
    await wait(delayMs, undefined, this.signal ? { signal: this.signal } : {})
  }

  private async unlessStalled<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const stalled = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no data for ${this.stallMs} ms`)), this.stallMs)
    })
    try {
      return await Promise.race([work, stalled])
    } finally {
      clearTimeout(timer)
    }
  }
}
