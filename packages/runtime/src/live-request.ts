import { rowTasks } from '@trtllm/kernels'
import type { CacheScope } from './cache/cache-prefix.js'
import { BeamChooser } from './choosing/beam-chooser.js'
import type { TokenChooser } from './choosing/token-chooser.js'
import type { EngineRequest, Finish, SerializedError, Usage } from './request.js'
import { encodeSampling, endIdsOf, numCandidates, readsHistory } from './sampling/sampling-record.js'
import { createSequence, type Sequence } from './scheduler/sequence.js'
import type { SlotSetup } from './step/step-builder.js'

/** What decides the shape of a request's life beside the request. */
export interface LifeRules {
  readonly eosIds: readonly number[]
  readonly maxSeqLen: number
  readonly longRopeFromTokens?: number | undefined
  /** Seed of a request that brings none. */
  readonly drawSeed: () => bigint
  /** What the pages of one engine have in common, see `CacheScope.model`. */
  readonly cacheModel: string
}

/**
 * A request from acceptance to its one end. `queued -> active -> ended`: `ended` is final, and `end` answers only the
 * first time it is called, so that no path can end a request twice.
 */
export class LiveRequest {
  readonly request: EngineRequest
  /** The sequence that computes the prompt. */
  readonly first: Sequence
  /** The sequences that are computed for it: one, or one for each beam. */
  readonly sequences: Set<Sequence>
  readonly setup: SlotSetup
  /** Says its next tokens; undefined where the device does. */
  readonly chooser: TokenChooser | undefined
  readonly submittedMs: number
  /** When its first work was submitted and its first token was read; undefined before. */
  startedMs?: number
  firstTokenMs?: number
  lastTokenMs?: number
  /** Tokens of the answer so far, or of all answers of a search. */
  completionTokens = 0
  /** Logits of the token that it awaits from outside. */
  awaited: Float32Array | undefined
  #ended = false
  readonly #endIds: ReadonlySet<number>

  constructor(request: EngineRequest, arrival: number, nowMs: number, rules: LifeRules) {
    const endIds = endIdsOf(request, rules.eosIds)
    const seed = request.seed === undefined ? rules.drawSeed() : BigInt(request.seed)
    const sampling = encodeSampling(request, endIds, seed)
    const promptLength = request.promptIds.length
    const maxLength = Math.min(rules.maxSeqLen, promptLength + (request.maxTokens ?? rules.maxSeqLen))
    const isLong = rules.longRopeFromTokens !== undefined && maxLength > rules.longRopeFromTokens
    this.request = request
    this.submittedMs = nowMs
    const { beams, logprobs, chosenOutside = false } = request
    this.#endIds = new Set(endIds)
    this.setup = {
      sampling,
      ropeVariant: isLong ? 1 : 0,
      lastTask: chosenOutside ? rowTasks.none : beams ? rowTasks.candidates : rowTasks.sample,
      numLogprobs: beams ? numCandidates(request, endIds.length) : chosenOutside ? undefined : logprobs,
      numPromptLogprobs: request.promptLogprobs,
      promptLogits: request.returnContextLogits ?? false,
      lastLogits: chosenOutside || (request.returnGenerationLogits ?? false),
    }
    this.chooser = beams && new BeamChooser(beams, this.#endIds, maxLength - promptLength, logprobs)
    this.first = createSequence({
      id: request.id,
      arrival,
      promptIds: request.promptIds,
      maxLength,
      limited: request.maxTokens !== undefined,
      promptRows: this.setup.numPromptLogprobs !== undefined || this.setup.promptLogits,
      chosenByHost: chosenOutside || this.chooser !== undefined,
      needsHistory: readsHistory(request),
      cacheScope: cacheScope(request, rules.cacheModel, isLong ? 1 : 0),
      level: Math.round((request.priority ?? 0.5) * 100),
      fairnessKey: request.fairnessKey ?? '',
      weight: request.fairnessWeight ?? 1,
      setupDeltas: 1 + sampling.lists.length,
      setupWords: sampling.record.length + sampling.lists.reduce((sum, { words }) => sum + words.length, 0),
    })
    this.sequences = new Set([this.first])
  }

  get ended(): boolean {
    return this.#ended
  }

  get usage(): Usage {
    const { promptIds, cachedTokens } = this.first
    return { promptTokens: promptIds.length, completionTokens: this.completionTokens, cachedTokens }
  }

  /** Counts a new id, which its sequence has; returns how the request ends with it, or undefined when it goes on. */
  accept(token: number, nowMs: number): Pick<Finish, 'reason' | 'stopId'> | undefined {
    const { generatedIds, promptIds, maxLength } = this.first
    this.completionTokens++
    this.firstTokenMs ??= nowMs
    this.lastTokenMs = nowMs
    const mayStop = generatedIds.length > (this.request.minTokens ?? 0)
    if (mayStop && this.#endIds.has(token)) return { reason: 'stop', stopId: token }
    return promptIds.length + generatedIds.length >= maxLength ? { reason: 'length' } : undefined
  }

  /** What the request fails with when nothing can be its next token. */
  get unchosen(): SerializedError {
    const message =
      `output token ${this.completionTokens + 1} could not be chosen: the model's logits are NaN or infinite; ` +
      'its weights may hold such values or overflow this dtype: try bf16 or f32, or another copy of the checkpoint'
    return { code: 'internal', message }
  }

  /** Ends the request; undefined when it has ended before. */
  end(
    reason: Finish['reason'],
    detail: { stopId?: number; error?: SerializedError } = {},
  ): Finish | undefined {
    if (this.#ended) return undefined
    this.#ended = true
    return { reason, ...detail, usage: this.usage }
  }
}

function cacheScope(request: EngineRequest, model: string, ropeVariant: number): CacheScope {
  const { cacheSalt: salt, kvCacheRetentionConfig: retention } = request
  return { model, ropeVariant, ...(salt !== undefined && { salt }), ...(retention && { retention }) }
}
