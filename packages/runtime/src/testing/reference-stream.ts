import { listWordsPerSlot, samplingWords } from '@trtllm/kernels'
import type { EngineModel } from '../compiled-model.js'
import type { EngineRequest } from '../request.js'
import { encodeSampling } from '../sampling/sampling-record.js'
import { mix } from './content-hash.js'
import { fakeLogprobs, fakeToken } from './fake-sampler.js'
import { chain, chainStart, contentOf, firstSeen } from './paged-content.js'

/** How a request must end, whatever runs beside it. */
export interface ReferenceStream {
  readonly tokens: readonly number[]
  readonly reason: 'stop' | 'length'
  /** Of each prompt token but the first, when asked for. */
  readonly promptLogprobs: readonly ReturnType<typeof fakeLogprobs>[]
}

/**
 * What the fake device answers to a request, computed without device, cache, batch or scheduler: straight from the
 * tokens. The request must have a seed.
 */
export function referenceStream(request: EngineRequest, model: EngineModel): ReferenceStream {
  if (request.seed === undefined) throw new Error('reference stream: the request needs a seed')
  const endIds = new Set([...(request.ignoreEos ? [] : model.eosIds), ...(request.stopIds ?? [])])
  const room = model.maxSeqLen - request.promptIds.length
  const maxLength = request.promptIds.length + Math.min(room, request.maxTokens ?? room)
  const { record, lists } = encodeSampling(request, [...endIds], BigInt(request.seed))
  const slotLists = new Int32Array(listWordsPerSlot)
  for (const { offset, words } of lists) slotLists.set(words, offset)
  const slot = { record, lists: slotLists }
  const isLong = model.longRopeFromTokens !== undefined && maxLength > model.longRopeFromTokens
  const tokens = [...request.promptIds]
  let link = chainStart(record[samplingWords.seedHigh]!, isLong ? 1 : 0)
  const promptLogprobs: ReturnType<typeof fakeLogprobs>[] = []
  const contentAt = (position: number) =>
    model.pools.reduce((hash, { window }) => mix(hash, contentOf(link, firstSeen(position, window))), 0)
  for (const [position, token] of tokens.slice(0, -1).entries()) {
    link = chain(link, token, position) | 0
    if (request.promptLogprobs !== undefined)
      promptLogprobs.push(fakeLogprobs(mix(contentAt(position), tokens[position + 1]!)))
  }
  for (;;) {
    const position = tokens.length - 1
    link = chain(link, tokens[position]!, position) | 0
    const content = contentAt(position)
    const token = fakeToken(content, position, slot, model.vocabSize)
    tokens.push(token)
    // The fake sampler gives no end id before minTokens, so the first one ends the stream.
    const reason = endIds.has(token) ? 'stop' : tokens.length >= maxLength ? 'length' : undefined
    if (reason) return { tokens: tokens.slice(request.promptIds.length), reason, promptLogprobs }
  }
}
