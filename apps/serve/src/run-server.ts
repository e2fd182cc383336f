import type { EventEmitter } from 'node:events'
import { existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import {
  bindAddress,
  bindError,
  canBind,
  createServer,
  drain,
  isLoopback,
  type OpenAiServer,
  type ServedModel,
  StartError,
} from '@trtllm/serve'
import type { Logger } from 'pino'
import type { ServeOptions } from './serve-options.js'

/** What the process lends the server; tests lend something else. */
export interface Surroundings {
  version: string
  log: Logger
  /** Emits SIGTERM and SIGINT. */
  signals: EventEmitter
  /** Writes for the person who started the server. */
  say(text: string): void
  /** Hears when requests are taken. */
  onServing?(server: { url: string; model: string; apiKey: string | undefined }): void
}

/**
 * Loads the model, serves until a signal or a spent fault budget, and drains.
 * @returns the exit code. @throws StartError or the load's own error when it never comes to serving.
 */
export async function runServer(
  options: ServeOptions,
  load: () => Promise<ServedModel>,
  surroundings: Surroundings,
): Promise<number> {
  const { log, signals } = surroundings
  const stops = new StopSignals(signals)
  try {
    const host = bindAddress(options.host)
    await claimPort(host, options.port)
    if (isLoopback(host) && inContainer())
      log.warn(
        `listening on ${host} inside a container: use --host 0.0.0.0 with --api-key to be reached from outside`,
      )
    const model = await stops.orStopped(load())
    if (!model) return 0
    const server = createServer({
      model,
      version: surroundings.version,
      log,
      apiKeys: options.apiKeys,
      modelNames: [...new Set([options.servedModelName ?? model.info.name, model.info.name])],
      ...(options.maxQueue === undefined ? {} : { maxQueue: options.maxQueue }),
      ...(options.maxOutputLen === undefined ? {} : { maxOutputLen: options.maxOutputLen }),
    })
    const failed = new Promise<number>((resolve) => {
      model.events.on('fatal', (error) => {
        log.fatal({ err: error }, 'the engine died too often; giving up')
        resolve(70)
      })
    })
    model.events.on('ready', () => log.info('a new engine is ready'))
    await listen(server, host, options.port)
    announce(server, options, surroundings)
    const code = await Promise.race([stops.first.then(() => 0), failed])
    return code === 0 ? await stop(server, options, stops, log) : await abandon(server, stops, code)
  } finally {
    stops.forget()
  }
}

async function claimPort(host: string, port: number): Promise<void> {
  // Before the model is loaded, so that a taken port costs no minutes.
  const free = await canBind(host, port).catch(async (error: unknown) => {
    throw await bindError(error, host, port)
  })
  if (!free) throw await bindError({ code: 'EADDRINUSE' }, host, port)
}

async function listen({ app, context }: OpenAiServer, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    await context.model.close()
    throw await bindError(error, host, port)
  }
}

function announce({ app, context }: OpenAiServer, options: ServeOptions, surroundings: Surroundings): void {
  const { log, say, onServing } = surroundings
  const { address, port, family } = app.server.address() as AddressInfo
  const shown = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address
  const url = `http://${family === 'IPv6' && shown !== '127.0.0.1' ? `[${shown}]` : shown}:${port}`
  const name = context.modelNames[0]!
  const key = options.apiKeys.length > 0 ? " -H 'Authorization: Bearer <key>'" : ''
  const body = JSON.stringify({
    model: name,
    messages: [{ role: 'user', content: 'Tell me a tale.' }],
    max_tokens: 64,
  })
  log.info({ url, model: name, device: context.model.info.device }, `serving ${name}`)
  say(`Serving ${name} on ${url}\n`)
  say(`curl ${url}/v1/chat/completions${key} -H 'Content-Type: application/json' -d '${body}'\n`)
  onServing?.({ url, model: name, apiKey: options.apiKeys[0] })
}

async function stop(
  server: OpenAiServer,
  options: ServeOptions,
  stops: StopSignals,
  log: Logger,
): Promise<number> {
  log.info(`stopping: ${server.context.active.size} requests may finish within ${options.drainTimeout} s`)
  const drained = drain(server, options.drainTimeout * 1000, stops.hurry.signal).then(() => 0)
  return await Promise.race([drained, stops.lateAfterHurry])
}

async function abandon(server: OpenAiServer, stops: StopSignals, code: number): Promise<number> {
  stops.hurry.abort()
  await Promise.race([drain(server, 0, stops.hurry.signal), stops.lateAfterHurry])
  return code
}

function inContainer(): boolean {
  return (
    existsSync('/.dockerenv') || existsSync('/run/.containerenv') || 'KUBERNETES_SERVICE_HOST' in process.env
  )
}

/** An interrupt may come twice for one Ctrl-C: from the terminal, and from npm, which passes it on. */
const sameInterruptMs = 500

/** The first stop signal drains; the second hurries, and 1.5 s later the process goes whatever is left. */
class StopSignals {
  readonly hurry = new AbortController()
  readonly first: Promise<void>
  readonly lateAfterHurry: Promise<number>
  readonly #signals: EventEmitter
  readonly #listener: (signal?: string) => void
  #timer: NodeJS.Timeout | undefined

  constructor(signals: EventEmitter) {
    this.#signals = signals
    let count = 0
    let stop = () => {}
    this.first = new Promise((resolve) => {
      stop = resolve
    })
    this.lateAfterHurry = new Promise((resolve) => {
      const late = () => {
        this.#timer = setTimeout(() => resolve(1), 1500)
      }
      this.hurry.signal.addEventListener('abort', late, { once: true })
    })
    let firstMs = 0
    this.#listener = (signal) => {
      const isEcho = signal === 'SIGINT' && performance.now() - firstMs < sameInterruptMs
      if (count === 1 && isEcho) return
      if (count++ > 0) this.hurry.abort()
      else firstMs = performance.now()
      stop()
    }
    for (const name of ['SIGTERM', 'SIGINT']) signals.on(name, this.#listener)
  }

  /** The result of `work`, or undefined when a signal came first. */
  orStopped<Result>(work: Promise<Result>): Promise<Result | undefined> {
    return Promise.race([work, this.first.then(() => undefined)])
  }

  forget(): void {
    clearTimeout(this.#timer)
    for (const name of ['SIGTERM', 'SIGINT']) this.#signals.off(name, this.#listener)
  }
}

/** The exit code for whatever kept the server from starting; unknown failures are 70. */
export function exitCodeFor(error: unknown): number {
  if (error instanceof StartError) return error.exitCode
  const { exitCode } = error as { exitCode?: unknown }
  return typeof exitCode === 'number' ? exitCode : 70
}
