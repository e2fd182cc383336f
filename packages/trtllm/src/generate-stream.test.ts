import { type EngineRequest, type Finish, type OutputSink, TrtllmError } from '@trtllm/runtime'
import { describe, expect, it } from 'vitest'
import { checkSamplingParams } from './check-sampling-params.js'
import { generateStream } from './generate-stream.js'
import { type GenerationEngine, runGeneration } from './generation.js'
import type { SamplingParams } from './sampling-params.js'

const usage = { promptTokens: 2, completionTokens: 0, cachedTokens: 0 }

/** An engine that counts up from 1 for every request, one token a turn; ends at maxTokens, fails at token `failAt`. */
class CountingEngine implements GenerationEngine {
  readonly requests: EngineRequest[] = []
  readonly cancelled: string[] = []
  failAt = Number.POSITIVE_INFINITY
  /** Requests that are refused. */
  refuses: string[] = []

  submit(request: EngineRequest, sink: OutputSink): void {
    if (this.refuses.includes(request.id)) throw new TrtllmError('engine_died', 'no engine is up')
    this.requests.push(request)
    void this.#count(request, sink)
  }

  choose(): void {}

  cancel(id: string): void {
    this.cancelled.push(id)
  }

  async #count({ id, maxTokens }: EngineRequest, sink: OutputSink): Promise<void> {
    for (let count = 1; ; count++) {
      await new Promise(setImmediate)
      if (this.cancelled.includes(id)) return
      let finish: Finish | undefined
      if (count === maxTokens) finish = { reason: 'length', usage }
      if (count >= this.failAt)
        finish = { reason: 'error', usage, error: { code: 'engine_died', message: 'it died' } }
      if (!finish) sink.token(count)
      else return sink.output({ id, tokens: Int32Array.of(count), finish })
    }
  }
}

function start(params: SamplingParams, more: { signal?: AbortSignal; defaultSeed?: number } = {}) {
  const engine = new CountingEngine()
  const bounds = { vocabSize: 100, eosIds: [], tokenizer: undefined }
  const sampling = checkSamplingParams(params, bounds)
  const task = { requestId: 'r', promptIds: Int32Array.of(1, 2), sampling, ...more }
  return { engine, task, stream: generateStream(task, engine, undefined) }
}

describe('a stream of deltas', () => {
  it('submits nothing before it is read', async () => {
    const { engine, stream } = start({ maxTokens: 2 })
    expect(engine.requests).toEqual([])
    await stream.next()
    expect(engine.requests).toMatchObject([{ id: 'r', maxTokens: 2 }])
    await stream.return()
  })

  it('runs n choices side by side, each with its own seed', async () => {
    const about = { returnContextLogits: true, promptLogprobs: 0 }
    const { engine, stream } = start({ maxTokens: 3, n: 3, seed: 2n ** 64n - 1n, ...about })
    const tokens: number[][] = [[], [], []]
    const finished: number[] = []
    for await (const { index, tokenIds, finish } of stream) {
      tokens[index]!.push(...tokenIds)
      if (finish) finished.push(index)
    }
    expect(tokens).toEqual([1, 2, 3].map(() => [1, 2, 3]))
    expect(finished.sort()).toEqual([0, 1, 2])
    expect(engine.requests).toMatchObject([
      { id: 'r/0', seed: 2n ** 64n - 1n, ...about },
      { id: 'r/1', seed: 0n },
      { id: 'r/2', seed: 1n },
    ])
    for (const later of engine.requests.slice(1))
      for (const field in about) expect(later).not.toHaveProperty(field)
    expect(engine.cancelled).toEqual([])
  })

  it('has the default seed where none is given', async () => {
    const { engine, stream } = start({ maxTokens: 1, n: 2 }, { defaultSeed: 0 })
    await stream.next()
    expect(engine.requests.map(({ seed }) => seed)).toEqual([0n, 1n])
    await stream.return()
    const { engine: other, stream: unseeded } = start({ maxTokens: 1 })
    await unseeded.next()
    expect(other.requests[0]!.seed).toBeUndefined()
    await unseeded.return()
  })

  it('cancels every choice when its reader leaves', async () => {
    const { engine, stream } = start({ maxTokens: 50, n: 2 })
    for await (const { tokenIds } of stream) if (tokenIds[0] === 3) break
    expect(engine.cancelled).toEqual(['r/0', 'r/1'])
  })

  it('ends with the reason of its signal, also while it waits', async () => {
    const controller = new AbortController()
    const { engine, stream } = start({ maxTokens: 50 }, { signal: controller.signal })
    await stream.next()
    const waiting = stream.next()
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    expect(engine.cancelled).toEqual(['r'])
    await expect(start({}, { signal: controller.signal }).stream.next()).rejects.toBe(reason)
  })

  it('fails as one when a choice fails', async () => {
    const { engine, stream } = start({ maxTokens: 50, n: 2 })
    engine.failAt = 4
    const read = async () => {
      for await (const _ of stream);
    }
    const failure = await read().catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(TrtllmError)
    expect(failure).toMatchObject({ code: 'engine_died', message: 'it died' })
  })
})

describe('a generation', () => {
  it('hands deltas on as they come, and nothing once it is over', async () => {
    const { engine, task } = start({ maxTokens: 3, n: 2 })
    const seen: [number, number[]][] = []
    await runGeneration(task, engine, undefined, ({ index, tokenIds }) => seen.push([index, tokenIds]))
    expect(seen).toEqual([1, 2, 3].flatMap((token) => [0, 1].map((index) => [index, [token]])))
  })

  it('is ended by what its hearer throws, and frees the rows', async () => {
    const { engine, task } = start({ maxTokens: 50, n: 2 })
    let heard = 0
    const run = runGeneration(task, engine, undefined, ({ tokenIds }) => {
      heard++
      if (tokenIds[0] === 2) throw new Error('full')
    })
    await expect(run).rejects.toThrow('full')
    expect(heard).toBe(3)
    expect(engine.cancelled).toEqual(['r/0', 'r/1'])
  })

  it('hands nothing on after its signal', async () => {
    const end = new AbortController()
    const { engine, task } = start({ maxTokens: 50, n: 2 }, { signal: end.signal })
    const heard: number[] = []
    const run = runGeneration(task, engine, undefined, ({ index }) => {
      heard.push(index)
      if (heard.length === 3) end.abort(new Error('enough'))
    })
    await expect(run).rejects.toThrow('enough')
    expect(heard).toEqual([0, 1, 0])
    expect(engine.cancelled).toEqual(['r/0', 'r/1'])
  })

  it('that is refused in the middle gives back what was submitted', async () => {
    const { engine, task } = start({ maxTokens: 50, n: 3 })
    engine.refuses = ['r/1']
    await expect(runGeneration(task, engine, undefined, () => {})).rejects.toThrow('no engine is up')
    expect(engine.requests.map(({ id }) => id)).toEqual(['r/0'])
    expect(engine.cancelled).toContain('r/0')
  })
})
