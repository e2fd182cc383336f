import { listWordsPerSlot, samplingWords } from '@trtllm/kernels'
import { BeamSearch } from '../choosing/beam-search.js'
import type { EngineModel } from '../compiled-model.js'
import type { EngineRequest } from '../request.js'
import { encodeSampling } from '../sampling/sampling-record.js'
import { mix } from './content-hash.js'
import { bestId, fakeCandidates, fakeLogit, fakeLogprobs, fakeToken, type SlotWords } from './fake-sampler.js'
import { chain, chainStart, contentOf, firstSeen } from './paged-content.js'

/** How a request must end, whatever runs beside it. */
export interface ReferenceStream {
  readonly tokens: readonly number[]
  readonly reason: 'stop' | 'length'
  /** Of each prompt token but the first, when asked for. */
  readonly promptLogprobs: readonly ReturnType<typeof fakeLogprobs>[]
}

/** A request and a run of its tokens as the fake device reads them: straight, without device, cache, batch or scheduler. */
class ReferenceReader {
  readonly endIds: ReadonlySet<number>
  readonly maxLength: number
  readonly slot: SlotWords
  readonly #model: EngineModel
  readonly #start: number

  constructor(request: EngineRequest, model: EngineModel) {
    if (request.seed === undefined) throw new Error('reference stream: the request needs a seed')
    const promptLength = request.promptIds.length
    const room = model.maxSeqLen - promptLength
    this.#model = model
    this.endIds = new Set([...(request.ignoreEos ? [] : model.eosIds), ...(request.stopIds ?? [])])
    this.maxLength = promptLength + Math.min(room, request.maxTokens ?? room)
    const { record, lists } = encodeSampling(request, [...this.endIds], BigInt(request.seed))
    const slotLists = new Int32Array(listWordsPerSlot)
    for (const { offset, words } of lists) slotLists.set(words, offset)
    this.slot = { record, lists: slotLists }
    const isLong = model.longRopeFromTokens !== undefined && this.maxLength > model.longRopeFromTokens
    this.#start = chainStart(record[samplingWords.seedHigh]!, isLong ? 1 : 0)
  }

  /** The chain of tokens up to and with `token` at `position`, which follows `before`. */
  link(before: number | undefined, token: number, position: number): number {
    return chain(before ?? this.#start, token, position) | 0
  }

  /** What is read at the last position of a chain. */
  content(link: number, position: number): number {
    const { pools } = this.#model
    return pools.reduce((hash, { window }) => mix(hash, contentOf(link, firstSeen(position, window))), 0)
  }
}

/** What the fake device answers to a request. The request must have a seed. */
export function referenceStream(request: EngineRequest, model: EngineModel): ReferenceStream {
  const reader = new ReferenceReader(request, model)
  const tokens = [...request.promptIds]
  const promptLogprobs: ReturnType<typeof fakeLogprobs>[] = []
  let link: number | undefined
  for (const [position, token] of tokens.slice(0, -1).entries()) {
    link = reader.link(link, token, position)
    if (request.promptLogprobs !== undefined)
      promptLogprobs.push(fakeLogprobs(mix(reader.content(link, position), tokens[position + 1]!)))
  }
  for (;;) {
    const position = tokens.length - 1
    link = reader.link(link, tokens[position]!, position)
    const content = reader.content(link, position)
    const token = request.chosenOutside
      ? bestId(Float32Array.from({ length: model.vocabSize }, (_, id) => fakeLogit(content, id)))
      : fakeToken(content, position, reader.slot, model.vocabSize)
    tokens.push(token)
    // The fake sampler gives no end id before minTokens, so the first one ends the stream.
    const isEnd = reader.endIds.has(token)
    const reason = isEnd ? 'stop' : tokens.length >= reader.maxLength ? 'length' : undefined
    if (reason) return { tokens: tokens.slice(request.promptIds.length), reason, promptLogprobs }
  }
}

/** The answers that a search over the fake device's candidates finds, best first. */
export function referenceAnswers(request: EngineRequest, model: EngineModel): number[][] {
  const { promptIds, beams } = request
  if (!beams) throw new Error('reference answers: the request asks for no beams')
  const reader = new ReferenceReader(request, model)
  const search = new BeamSearch(beams, reader.endIds, reader.maxLength - promptIds.length)
  let prompt: number | undefined
  for (const [position, token] of promptIds.entries()) prompt = reader.link(prompt, token, position)
  let links = [prompt!]
  for (let position = promptIds.length - 1; ; position++) {
    const listed = links.map((link) => {
      const content = reader.content(link, position)
      const { topIds, topLogprobs } = fakeCandidates(content, position, reader.slot, model.vocabSize)
      return { ids: Int32Array.from(topIds), logprobs: Float32Array.from(topLogprobs) }
    })
    const next = search.next(listed)
    if (!next) return search.answers(beams.count).map(({ tokens }) => [...tokens])
    links = next.map(({ from, token }) => reader.link(links[from]!, token, position + 1))
  }
}
