import { LlmServedModel, type ServedModel } from '@trtllm/serve'
import type { Logger } from 'pino'
import { embeddedModelPath, LLM } from 'trtllm'
import type { ServeOptions } from './serve-options.js'

const embeddedName = '@trtllm/tales'

/** Loads the model in a process of its own, telling each stage and its seconds. */
export async function loadModel(options: ServeOptions, log: Logger): Promise<ServedModel> {
  const startMs = performance.now()
  const stages = new StageLog(log)
  const llm = await LLM.load(options.model ?? embeddedModelPath(), {
    ...options.load,
    isolation: 'process',
    onProgress: (stage: string, done: number, total: number) => stages.tell(stage, done, total),
  })
  stages.end()
  // A folder is served under its name: where it lies is nobody's business.
  const name = options.model === undefined ? embeddedName : llm.info.name
  const seconds = Number(((performance.now() - startMs) / 1000).toFixed(2))
  const { device, dtype, maxBatchSize, maxNumTokens, maxSeqLen, kvTokens } = llm.info
  log.info(
    { seconds, device: device.name, dtype, maxBatchSize, maxNumTokens, maxSeqLen, kvTokens },
    `loaded ${name}`,
  )
  return new LlmServedModel(llm, name)
}

/** Stages that take a second or more are told: every five seconds while they run, and with their seconds when over. */
class StageLog {
  readonly #log: Logger
  #stage = ''
  #startMs = 0
  #toldMs = 0

  constructor(log: Logger) {
    this.#log = log
  }

  tell(stage: string, done: number, total: number): void {
    const now = performance.now()
    if (stage !== this.#stage) {
      this.end()
      this.#stage = stage
      this.#startMs = this.#toldMs = now
      this.#log.debug(`${stage} ...`)
    } else if (now - this.#toldMs >= 5000) {
      this.#toldMs = now
      this.#log.info(`${stage} ${total > 0 ? `${Math.floor((100 * done) / total)} %` : done}`)
    }
  }

  end(): void {
    if (this.#stage === '') return
    const seconds = Number(((performance.now() - this.#startMs) / 1000).toFixed(2))
    this.#log[seconds >= 1 ? 'info' : 'debug']({ seconds }, `${this.#stage} done`)
    this.#stage = ''
  }
}
