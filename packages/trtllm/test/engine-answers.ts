import { type Engine, type EngineOptions, type EngineRequest, type Output, openEngine } from '@trtllm/runtime'
import { eachOutput } from '@trtllm/runtime/testing'
import { expect } from 'vitest'
import { embeddedModelPath } from '../src/embedded-model.js'
import { loadModel } from '../src/load-model.js'
import type { EngineConfig } from '../src/load-options.js'

export interface Answer {
  readonly tokens: readonly number[]
  /** Bits of each token's log probability. */
  readonly bits: readonly number[]
  readonly cachedTokens: number
}

const bitsOf = (value: number): number => new Int32Array(Float32Array.of(value).buffer)[0]!

/** Runs batches of requests one after the other on one engine with the embedded model in f32. */
export async function answers(
  batches: readonly EngineRequest[][],
  changes: Partial<EngineConfig>,
  options: Partial<EngineOptions>,
) {
  const config = {
    directory: embeddedModelPath(),
    device: 'cpu',
    dtype: 'f32',
    quant: 'none',
    loadFormat: 'auto',
    maxBatchSize: 6,
    maxNumTokens: 96,
    maxSeqLen: 224,
    threads: 2,
    ...changes,
  } as const
  using model = await loadModel(config, () => {})
  const outputs = new Map<string, Output[]>()
  let open = 0
  let resolve = () => {}
  const engine: Engine = await openEngine(model, {
    reserveTokens: 16,
    ...options,
    onFault: (error) => {
      throw error
    },
    onOutputs: (batch) => {
      for (const output of eachOutput(batch)) {
        outputs.get(output.id)!.push(output)
        if (output.finish && --open === 0) resolve()
      }
    },
  })
  for (const batch of batches) {
    open = batch.length
    await new Promise<void>((done) => {
      resolve = done
      for (const request of batch) {
        outputs.set(request.id, [])
        engine.submit(request)
      }
    })
    engine.check()
  }
  const { counters } = engine.stats()
  await engine.close(true)
  const answerOf = ({ id }: EngineRequest): Answer => {
    const all = outputs.get(id)!
    expect(all.at(-1)?.finish?.reason).toMatch(/stop|length/)
    return {
      tokens: all.flatMap(({ tokens }) => [...tokens]),
      bits: all.flatMap(({ logprobs = [] }) => logprobs.map(({ logprob }) => bitsOf(logprob))),
      cachedTokens: all.at(-1)!.finish!.usage.cachedTokens,
    }
  }
  return { answers: batches.flat().map(answerOf), counters }
}
