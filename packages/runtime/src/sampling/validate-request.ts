import { type ErrorCode, listCapacity, maxLogprobs, TrtllmError } from '@trtllm/kernels'
import { earlyStoppings } from '../choosing/beam-search.js'
import type { EngineRequest } from '../request.js'
import { encodeBadWords, endIdsOf } from './sampling-record.js'

/** What a request is checked against. */
export interface RequestBounds {
  readonly vocabSize: number
  /** Tokens of a sequence, prompt and output together. */
  readonly maxSeqLen: number
  readonly eosIds: readonly number[]
}

/** Throws a `TrtllmError` that names the first wrong field of a request, what it is and what it may be. */
export function validateRequest(request: EngineRequest, bounds: RequestBounds): void {
  checkPrompt(request, bounds)
  const { promptIds, maxTokens, minTokens } = request
  const room = bounds.maxSeqLen - promptIds.length
  checkInteger('maxTokens', maxTokens, 1, Number.MAX_SAFE_INTEGER)
  if (maxTokens !== undefined && maxTokens > room) {
    refuse(
      'context_length_exceeded',
      'maxTokens',
      `maxTokens is ${maxTokens}, but a prompt of ${promptIds.length} tokens leaves ${room} of ${bounds.maxSeqLen}; shorten the prompt or lower maxTokens`,
    )
  }
  checkInteger('minTokens', minTokens, 0, maxTokens ?? room)
  checkNumber('temperature', request.temperature, 0, 100)
  checkInteger('topK', request.topK, 0, 0x7fffffff)
  checkNumber('topP', request.topP, 0, 1)
  checkNumber('minP', request.minP, 0, 1)
  checkNumber('repetitionPenalty', request.repetitionPenalty, 0, 100)
  if (request.repetitionPenalty === 0) {
    refuse(
      'out_of_range',
      'repetitionPenalty',
      'repetitionPenalty is 0, expected a number above 0; 1 switches it off',
    )
  }
  checkNumber('topPMin', request.topPMin, 0, 1)
  checkNumber('topPDecay', request.topPDecay, 0, 1)
  if (request.topPDecay === 0)
    refuse('out_of_range', 'topPDecay', 'topPDecay is 0, expected a number above 0; 1 switches it off')
  checkInteger('topPResetId', request.topPResetId, 0, bounds.vocabSize - 1)
  checkInteger('promptIgnoreLength', request.promptIgnoreLength, 0, 0x7fffffff)
  checkInteger('noRepeatNgramSize', request.noRepeatNgramSize, 0, 0x7fffffff)
  checkNumber('presencePenalty', request.presencePenalty, -100, 100)
  checkNumber('frequencyPenalty', request.frequencyPenalty, -100, 100)
  checkInteger('logprobs', request.logprobs, 0, maxLogprobs)
  checkInteger('promptLogprobs', request.promptLogprobs, 0, maxLogprobs)
  checkNumber('deadlineMs', request.deadlineMs, 0, Number.MAX_SAFE_INTEGER)
  checkSeed(request.seed)
  checkCacheFields(request)
  checkNumber('priority', request.priority, 0, 1)
  checkString('fairnessKey', request.fairnessKey)
  checkNumber('fairnessWeight', request.fairnessWeight, 0.001, 1000)
  checkLists(request, bounds)
  checkBeams(request, bounds)
}

function checkPrompt({ id, promptIds }: EngineRequest, { vocabSize, maxSeqLen }: RequestBounds): void {
  if (typeof id !== 'string' || id === '')
    refuse('invalid_request', 'id', 'id must be a string that is not empty')
  if (!(promptIds instanceof Int32Array))
    refuse('invalid_type', 'promptIds', 'promptIds must be an Int32Array')
  if (promptIds.length === 0)
    refuse('invalid_request', 'promptIds', 'promptIds is empty, expected at least one token')
  if (promptIds.length >= maxSeqLen) {
    refuse(
      'context_length_exceeded',
      'promptIds',
      `the prompt has ${promptIds.length} tokens, at most ${maxSeqLen - 1} leave room for an answer; shorten it or raise maxSeqLen`,
    )
  }
  checkIds('promptIds', promptIds, vocabSize)
}

function checkLists(request: EngineRequest, { vocabSize, eosIds }: RequestBounds): void {
  const { stopIds = [], badWords = [], logitBias = [] } = request
  checkIds('stopIds', stopIds, vocabSize)
  const endIds = endIdsOf(request, eosIds).length
  if (endIds > listCapacity.endIds) {
    refuse(
      'out_of_range',
      'stopIds',
      `stopIds and the model's end ids are ${endIds}, at most ${listCapacity.endIds} fit`,
    )
  }
  for (const [index, ids] of badWords.entries()) {
    if (ids.length === 0)
      refuse('invalid_request', 'badWords', `badWords[${index}] is empty, expected at least one id`)
    checkIds(`badWords[${index}]`, ids, vocabSize)
  }
  const words = encodeBadWords(badWords).length
  if (words > listCapacity.badWords) {
    refuse(
      'out_of_range',
      'badWords',
      `badWords need ${words} words (their ids and one each), at most ${listCapacity.badWords} fit; give fewer or shorter ones`,
    )
  }
  if (logitBias.length > listCapacity.biases) {
    refuse(
      'out_of_range',
      'logitBias',
      `logitBias has ${logitBias.length} entries, at most ${listCapacity.biases} fit`,
    )
  }
  checkIds(
    'logitBias',
    logitBias.map(([id]) => id),
    vocabSize,
  )
  for (const [id, value] of logitBias) checkNumber(`logitBias[${id}]`, value, -100, 100)
  if (new Set(logitBias.map(([id]) => id)).size < logitBias.length) {
    refuse('invalid_request', 'logitBias', 'logitBias names an id twice, expected each id once')
  }
}

function checkBeams(request: EngineRequest, { eosIds }: RequestBounds): void {
  const { beams, returnGenerationLogits, chosenOutside } = request
  if (beams === undefined) return
  if (chosenOutside)
    refuse('unsupported', 'beams', 'beams do not go with tokens that are chosen outside the engine')
  const numEndIds = endIdsOf(request, eosIds).length
  const most = maxLogprobs - numEndIds
  checkInteger('beams.width', beams.width, 1, maxLogprobs)
  if (beams.width > most) {
    refuse(
      'out_of_range',
      'beams.width',
      `beams.width is ${beams.width}, at most ${most} fit beside ${numEndIds} end ids: a row lists ${maxLogprobs} candidates`,
    )
  }
  checkInteger('beams.count', beams.count, 1, beams.width)
  checkNumber('beams.lengthPenalty', beams.lengthPenalty, -100, 100)
  checkNumber('beams.diversityRate', beams.diversityRate, -100, 100)
  for (const width of beams.widths ?? []) checkInteger('beams.widths', width, 1, beams.width)
  if (!earlyStoppings.includes(beams.earlyStopping)) {
    refuse(
      'out_of_range',
      'beams.earlyStopping',
      `beams.earlyStopping is ${beams.earlyStopping}, expected one of ${earlyStoppings.join(', ')}`,
    )
  }
  if (returnGenerationLogits) {
    refuse(
      'unsupported',
      'returnGenerationLogits',
      'returnGenerationLogits does not go with beams: their logits belong to no answer',
    )
  }
}

function checkCacheFields({ cacheSalt, kvCacheRetentionConfig: retention }: EngineRequest): void {
  checkString('cacheSalt', cacheSalt)
  if (retention === undefined) return
  const name = 'kvCacheRetentionConfig'
  checkInteger(`${name}.decodePriority`, retention.decodePriority, 0, 100)
  checkNumber(`${name}.decodeDurationMs`, retention.decodeDurationMs, 0, Number.MAX_SAFE_INTEGER)
  for (const [index, range] of (retention.tokenRanges ?? []).entries()) {
    const field = `${name}.tokenRanges[${index}]`
    checkInteger(`${field}.tokenStart`, range.tokenStart, 0, Number.MAX_SAFE_INTEGER)
    checkInteger(`${field}.tokenEnd`, range.tokenEnd, range.tokenStart + 1, Number.MAX_SAFE_INTEGER)
    checkInteger(`${field}.priority`, range.priority, 0, 100)
    checkNumber(`${field}.durationMs`, range.durationMs, 0, Number.MAX_SAFE_INTEGER)
  }
}

function checkString(field: string, value: string | undefined): void {
  if (value !== undefined && typeof value !== 'string')
    refuse('invalid_type', field, `${field} must be a string, not ${typeof value}`)
}

function checkIds(field: string, ids: Iterable<number>, vocabSize: number): void {
  let index = 0
  for (const id of ids) {
    if (!Number.isInteger(id) || id < 0 || id >= vocabSize) {
      refuse('out_of_range', field, `${field}[${index}] is ${id}, expected a token id of 0..${vocabSize - 1}`)
    }
    index++
  }
}

function checkSeed(seed: bigint | number | undefined): void {
  if (seed === undefined) return
  const whole = typeof seed === 'bigint' || Number.isSafeInteger(seed)
  if (!whole || BigInt.asUintN(64, BigInt(seed)) !== BigInt(seed)) {
    refuse(
      'out_of_range',
      'seed',
      `seed is ${seed}, expected a whole number of 0..2^64-1 (a bigint above 2^53)`,
    )
  }
}

function checkInteger(field: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined) return
  if (typeof value !== 'number')
    refuse('invalid_type', field, `${field} must be a number, not ${typeof value}`)
  if (!Number.isInteger(value) || value < least || value > most) {
    refuse('out_of_range', field, `${field} is ${value}, expected a whole number of ${range(least, most)}`)
  }
}

function checkNumber(field: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined) return
  if (typeof value !== 'number')
    refuse('invalid_type', field, `${field} must be a number, not ${typeof value}`)
  if (!(value >= least && value <= most)) {
    refuse('out_of_range', field, `${field} is ${value}, expected a number of ${range(least, most)}`)
  }
}

const range = (least: number, most: number): string =>
  most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `${least}..${most}`

function refuse(code: ErrorCode, field: string, message: string): never {
  throw new TrtllmError(code, message, { details: { field } })
}
