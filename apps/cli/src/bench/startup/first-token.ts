import { LLM, type LoadOptions } from 'trtllm'
import { randomRequests } from '../workload.js'

/** When a program of its own had what; milliseconds since it was spawned. */
export interface FirstToken {
  /** Its first line of code ran. */
  readonly programMs: number
  /** Its modules were there. */
  readonly startedMs: number
  readonly loadedMs: number
  readonly firstTokenMs: number
  /** Seconds of the stages of loading. */
  readonly loadSeconds: Readonly<Record<string, number>>
}

/** Loads a model as a user's program would and waits for one token of a prompt of `isl` random ids. */
export async function firstToken(
  model: string,
  options: LoadOptions,
  isl: number,
  spawnedAtMs: number,
): Promise<FirstToken> {
  const sinceSpawn = () => performance.timeOrigin + performance.now() - spawnedAtMs
  const startedMs = sinceSpawn()
  await using llm = await LLM.load(model, options)
  const loadedMs = sinceSpawn()
  const [request] = randomRequests(1, isl, 1, llm.info.vocabSize)
  await llm.generate([...request!.promptIds], { maxTokens: 1, temperature: 0, ignoreEos: true })
  return {
    programMs: performance.timeOrigin - spawnedAtMs,
    startedMs,
    loadedMs,
    firstTokenMs: sinceSpawn(),
    loadSeconds: llm.info.loadSeconds,
  }
}
