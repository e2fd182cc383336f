import { Worker } from 'node:worker_threads'
import { TrtllmError } from '@trtllm/kernels'
import {
  deviceTimesBetween,
  Engine,
  type EnginePort,
  type EngineStats,
  type HostedEngine,
  type HostHooks,
  hostEngine,
  idleQuantile,
  type Output,
  PlanExecutor,
  type StepCall,
  systemClock,
} from '@trtllm/runtime'
import { type EngineConfig, loadModel, type Progress } from 'trtllm/plan-model'
import { randomRequests } from '../workload.js'
import { type HostTimes, PhaseTimes } from './phase-times.js'

/** Steps of a full batch before those that count: code is compiled and graphs are recorded by then. */
const settlingSteps = 64

/** What steps of decoding sequences cost the host, and what of it the device did not hide. Microseconds a step. */
export interface HostRun extends HostTimes {
  readonly batch: number
  /** From step to step. */
  readonly wall: number
  readonly device: number
  /** Of the device between consecutive steps. */
  readonly idle: { readonly average: number; readonly p50: number; readonly p99: number }
}

type Counters = EngineStats['counters']

/**
 * An engine in this thread, timed at its doors. What it sends goes to a thread that reads and drops it, as it would go to
 * the front side of a server; everything else is as in earnest.
 */
export class HostBench implements AsyncDisposable {
  /** The engine that was loaded. */
  readonly engine: Engine
  readonly #times: PhaseTimes
  readonly #watch: Watch
  readonly #reader: Worker
  readonly #dispose: () => void

  private constructor(engine: Engine, times: PhaseTimes, watch: Watch, reader: Worker, dispose: () => void) {
    this.engine = engine
    this.#times = times
    this.#watch = watch
    this.#reader = reader
    this.#dispose = dispose
  }

  /** Loads a model; `config` is that of a real engine. @throws what loading throws. */
  static async open(config: EngineConfig, progress: Progress): Promise<HostBench> {
    const reader = new Worker("require('node:worker_threads').parentPort.on('message', () => {})", {
      eval: true,
    })
    const times = new PhaseTimes()
    const watch: Watch = { onSubmit() {}, onOutputs() {}, onFault() {} }
    let begin = (_: unknown) => {}
    const port: EnginePort = {
      post: (message) => reader.postMessage(message),
      receive: (onMessage) => {
        begin = onMessage
      },
      close: () => Promise.resolve(),
    }
    const clock = times.clock(systemClock)
    try {
      const { engine, dispose } = await new Promise<HostedEngine>((resolve, reject) => {
        const load = async (_: unknown, { engineHooks }: HostHooks): Promise<HostedEngine> => {
          const model = await loadModel(config, progress)
          const plans = new PlanExecutor(model, 2)
          await plans.warmUp()
          const executor = times.executor(plans, (call) => watch.onSubmit(call))
          const { onOutputs, onFault } = engineHooks
          const engine = new Engine(model, executor, {
            clock,
            onOutputs: (outputs, step) => {
              times.send(() => onOutputs(outputs, step))
              watch.onOutputs(outputs.whole)
            },
            onFault: (error) => {
              onFault(error)
              watch.onFault(error)
            },
          })
          return { engine, dispose: () => model[Symbol.dispose]() }
        }
        const settled = (hosted: Promise<HostedEngine>) => {
          hosted.then(resolve, reject)
          return hosted
        }
        void hostEngine(port, (config, hooks) => settled(load(config, hooks)), clock)
        begin([{ kind: 'start', config }])
      })
      return new HostBench(engine, times, watch, reader, dispose)
    } catch (error) {
      await reader.terminate()
      throw error
    }
  }

  /**
   * Decodes `batch` sequences of random prompts and counts `steps` steps in which all of them take part. Resolves when
   * they have ended. @throws TrtllmError contradictory_config where the cache does not hold so many.
   */
  run(batch: number, isl: number, steps: number): Promise<HostRun> {
    const { engine } = this
    const { vocabSize, info } = engine.model
    const osl = answerTokens(batch, isl, steps, info.maxNumTokens)
    return new Promise((resolve, reject) => {
      let [full, ended, startMs] = [0, 0, 0]
      let before: Counters | undefined
      let found: HostRun | undefined
      this.#watch.onFault = reject
      this.#watch.onSubmit = ({ tokens, seqs }) => {
        if (tokens !== batch || seqs !== batch) return
        full++
        if (full === settlingSteps) {
          before = engine.stats().counters
          startMs = performance.now()
          this.#times.restart()
        }
        if (full !== settlingSteps + steps || !before) return
        const wall = (1000 * (performance.now() - startMs)) / steps
        const { counters } = engine.stats()
        found = { batch, wall, ...this.#times.read(), ...deviceTimes(before, counters) }
      }
      this.#watch.onOutputs = (outputs) => {
        for (const { finish } of outputs) if (finish) ended++
        if (ended < batch) return
        if (found) resolve(found)
        else reject(tooFew(batch, full, settlingSteps + steps, info.kvTokens))
      }
      for (const [index, { promptIds }] of randomRequests(batch, isl, osl, vocabSize).entries())
        engine.submit({
          id: `${batch}/${index}`,
          promptIds: Int32Array.from(promptIds),
          maxTokens: osl,
          ignoreEos: true,
          temperature: 0,
        })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.close(false)
    this.#dispose()
    await this.#reader.terminate()
  }
}

/** Tokens that every sequence decodes: the first ones go on while the last ones come in. */
export function answerTokens(batch: number, isl: number, steps: number, maxNumTokens: number): number {
  const promptTokensPerStep = Math.max(1, maxNumTokens - batch)
  return settlingSteps + steps + Math.ceil((batch * isl) / promptTokensPerStep) + 2
}

const tooFew = (batch: number, full: number, wanted: number, kvTokens: number): TrtllmError =>
  new TrtllmError(
    'contradictory_config',
    `only ${full} of ${wanted} steps held all ${batch} sequences: the KV cache has ${kvTokens} tokens; lower --batches or --steps`,
  )

/** Hears of steps, outputs and faults. */
interface Watch {
  onSubmit(call: StepCall): void
  onOutputs(outputs: readonly Output[]): void
  onFault(error: Error): void
}

function deviceTimes(before: Counters, after: Counters): Pick<HostRun, 'device' | 'idle'> {
  const times = deviceTimesBetween(before.device, after.device)
  const idle = times.idleMicroseconds / Math.max(1, times.followingSteps)
  return {
    device: times.busyMicroseconds / Math.max(1, after.steps - before.steps),
    idle: { average: idle, p50: idleQuantile(times, 0.5), p99: idleQuantile(times, 0.99) },
  }
}
