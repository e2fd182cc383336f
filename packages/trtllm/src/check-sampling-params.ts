import { TrtllmError } from '@trtllm/kernels'
import { type EngineRequest, endIdsOf } from '@trtllm/runtime'
import type { Tokenizer } from '@trtllm/text'
import { beamsOf } from './beam-params.js'
import type { LogitsProcessor } from './logits-processor.js'
import { checkKind, refuse } from './sampling-kinds.js'
import type { SamplingParams } from './sampling-params.js'
import { shownValue } from './shown-value.js'

/** Most answers to one prompt. */
export const maxChoices = 128

/** Most stop strings of a request, and bytes of one: each is looked for in every piece of text. */
export const maxStops = 16
export const maxStopBytes = 256

/** Checked parameters: the part of the engine, and what is done with text on this side of it. */
export interface CheckedSampling {
  readonly engine: Omit<EngineRequest, 'id' | 'promptIds' | 'deadlineMs'>
  readonly n: number
  /** Run over the logits of each token, in this process. */
  readonly processors: readonly LogitsProcessor[]
  /** Answers that are made, of which `n` are returned. */
  readonly bestOf: number
  readonly minTokens: number
  readonly stop: readonly string[]
  readonly stopTokenIds: readonly number[]
  readonly includeStop: boolean
  readonly skipSpecialTokens: boolean
  readonly addSpecialTokens: boolean
  readonly detokenize: boolean
  readonly truncatePromptTokens: number | undefined
}

/** What parameters are checked against. */
export interface SamplingBounds {
  readonly vocabSize: number
  readonly eosIds: readonly number[]
  readonly tokenizer: Tokenizer | undefined
}

/**
 * Checks parameters and splits them. @throws TrtllmError invalid_type, invalid_request, out_of_range or unsupported; the
 * message and `details.field` name the parameter.
 */
export function checkSamplingParams(params: SamplingParams, bounds: SamplingBounds): CheckedSampling {
  if (typeof params !== 'object' || params === null)
    refuse('invalid_type', 'params', `is ${shownValue(params)}, expected an object of sampling parameters`)
  for (const [name, value] of Object.entries(params)) checkKind(name, value)
  const { n = 1, minTokens = 0, truncatePromptTokens, includeStopStrInOutput = false } = params
  checkWhole('n', n, 1, maxChoices)
  const { bestOf = n } = params
  checkWhole('bestOf', bestOf, n, maxChoices)
  if (truncatePromptTokens !== undefined)
    checkWhole('truncatePromptTokens', truncatePromptTokens, 1, Number.MAX_SAFE_INTEGER)
  const stop = listOf(params.stop)
  if (stop.includes(''))
    refuse('invalid_request', 'stop', 'has an empty string, which would end every answer')
  if (stop.length > maxStops)
    refuse('out_of_range', 'stop', `has ${stop.length} strings, expected at most ${maxStops}`)
  const longest = Math.max(0, ...stop.map((text) => Buffer.byteLength(text)))
  if (longest > maxStopBytes)
    refuse('out_of_range', 'stop', `has a string of ${longest} bytes, expected at most ${maxStopBytes}`)
  const { stopTokenIds = [] } = params
  checkIds('stopTokenIds', stopTokenIds, bounds.vocabSize)
  if (params.padId !== undefined) checkIds('padId', [params.padId], bounds.vocabSize)
  const detokenize = (params.detokenize ?? true) && bounds.tokenizer !== undefined
  if (stop.length > 0 && !detokenize)
    refuse('unsupported', 'stop', 'needs text: load the model with its tokenizer, and leave detokenize on')
  const engine = engineSampling(params, bounds)
  const beams = beamsOf(params, n, bestOf, endIdsOf(engine, bounds.eosIds).length)
  const { logitsProcessor = [] } = params
  const processors = typeof logitsProcessor === 'function' ? [logitsProcessor] : logitsProcessor
  if (beams && processors.length > 0)
    refuse('unsupported', 'logitsProcessor', 'does not go with useBeamSearch')
  const isOutside = processors.length > 0
  return {
    engine: { ...engine, ...(beams && { beams }), ...(isOutside && { chosenOutside: true }) },
    n,
    processors,
    bestOf,
    minTokens,
    stop,
    stopTokenIds,
    includeStop: includeStopStrInOutput,
    skipSpecialTokens: params.skipSpecialTokens ?? true,
    addSpecialTokens: params.addSpecialTokens ?? true,
    detokenize,
    truncatePromptTokens,
  }
}

function engineSampling(params: SamplingParams, bounds: SamplingBounds): CheckedSampling['engine'] {
  const { maxTokens, minTokens, temperature, topK, topP, minP, seed, logprobs, promptLogprobs } = params
  const {
    repetitionPenalty,
    presencePenalty,
    frequencyPenalty,
    returnContextLogits,
    returnGenerationLogits,
  } = params
  const { topPMin, topPDecay, topPResetIds: topPResetId, promptIgnoreLength, noRepeatNgramSize } = params
  const badWords = badSequences(params, bounds)
  const logitBias = biasPairs(params.logitBias)
  const given = {
    ...{ maxTokens, minTokens, temperature, topK, topP, minP, seed, logprobs, promptLogprobs },
    ...{ repetitionPenalty, presencePenalty, frequencyPenalty, returnContextLogits, returnGenerationLogits },
    ...{ topPMin, topPDecay, topPResetId, promptIgnoreLength, noRepeatNgramSize },
    ...endsOf(params, bounds),
    ...(badWords.length > 0 && { badWords }),
    ...(logitBias.length > 0 && { logitBias }),
  }
  const present = Object.entries(given).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present) as CheckedSampling['engine']
}

/** What ends an answer beside its length: `endId` takes the place of the model's end ids, -1 that of none. */
function endsOf(
  { ignoreEos, endId, stopTokenIds = [] }: SamplingParams,
  { eosIds, vocabSize, tokenizer }: SamplingBounds,
): Pick<CheckedSampling['engine'], 'ignoreEos' | 'stopIds'> {
  if (endId !== undefined && endId !== -1) checkIds('endId', [endId], vocabSize)
  // The tokenizer's end-of-text id ends answers too, where the model's files do not say so.
  const own = tokenizer?.eosId
  const isExtra = own !== undefined && endId === undefined && !eosIds.includes(own) && own < vocabSize
  const ends = ignoreEos ? [] : isExtra ? [own] : endId !== undefined && endId >= 0 ? [endId] : []
  const stopIds = [...new Set([...stopTokenIds, ...ends])]
  const withoutEos = ignoreEos || endId !== undefined
  return {
    ...(withoutEos && { ignoreEos: true }),
    ...(stopIds.length > 0 && { stopIds }),
  }
}

/** Every spelling of the bad words as token ids: at the beginning of a text and within it. */
function badSequences(params: SamplingParams, { tokenizer, vocabSize }: SamplingBounds): number[][] {
  const sequences = (params.badTokenIds ?? []).map((item) => (typeof item === 'number' ? [item] : [...item]))
  for (const [index, ids] of sequences.entries()) {
    if (ids.length === 0) refuse('invalid_request', `badTokenIds[${index}]`, 'is empty, expected a token id')
    checkIds(`badTokenIds[${index}]`, ids, vocabSize)
  }
  for (const [field, words] of [
    ['bad', listOf(params.bad)],
    ['badWords', params.badWords ?? []],
  ] as const) {
    for (const word of words) {
      if (word.trim() === '') refuse('invalid_request', field, 'has an empty word')
      if (!tokenizer) throw needsTokenizer(field)
      for (const spelling of [word, ` ${word.trimStart()}`])
        sequences.push(tokenizer.encode(spelling, { addSpecialTokens: false }))
    }
  }
  const unique = new Map(sequences.map((ids) => [ids.join(), ids]))
  return [...unique.values()]
}

function biasPairs(bias: SamplingParams['logitBias']): (readonly [number, number])[] {
  if (bias === undefined) return []
  if (Array.isArray(bias)) return bias
  return Object.entries(bias).map(([id, value]) => [Number(id), value])
}

const listOf = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value

function checkWhole(field: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  const range = most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `${least}..${most}`
  refuse('out_of_range', field, `is ${value}, expected a whole number of ${range}`)
}

function checkIds(field: string, ids: readonly number[], vocabSize: number): void {
  const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize)
  if (wrong !== undefined)
    refuse('out_of_range', field, `has ${wrong}, expected token ids of 0..${vocabSize - 1}`)
}

/** The error for something that needs text where there is no tokenizer. */
export const needsTokenizer = (field: string): TrtllmError =>
  new TrtllmError('unsupported', `${field} needs a tokenizer; this model was loaded without one`, {
    details: { field, param: field },
  })
