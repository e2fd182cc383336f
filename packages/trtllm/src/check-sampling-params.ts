import { type ErrorCode, TrtllmError } from '@trtllm/kernels'
import type { EngineRequest } from '@trtllm/runtime'
import type { Tokenizer } from '@trtllm/text'
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

type Kind = 'number' | 'boolean' | 'seed' | 'text' | 'texts' | 'ids' | 'bad ids' | 'bias'

/** Every parameter and what it may be. The engine checks the ranges of numbers. */
const kinds: Readonly<Record<keyof SamplingParams, Kind>> = {
  maxTokens: 'number',
  minTokens: 'number',
  temperature: 'number',
  topK: 'number',
  topP: 'number',
  minP: 'number',
  repetitionPenalty: 'number',
  presencePenalty: 'number',
  frequencyPenalty: 'number',
  seed: 'seed',
  n: 'number',
  stop: 'text',
  stopTokenIds: 'ids',
  includeStopStrInOutput: 'boolean',
  ignoreEos: 'boolean',
  bad: 'text',
  badWords: 'texts',
  badTokenIds: 'bad ids',
  logitBias: 'bias',
  logprobs: 'number',
  skipSpecialTokens: 'boolean',
  addSpecialTokens: 'boolean',
  truncatePromptTokens: 'number',
  detokenize: 'boolean',
  returnContextLogits: 'boolean',
}

/** What people put among the parameters and belongs to the call. */
const callOptions = new Set(['signal', 'deadlineMs', 'requestId'])

const isText = (value: unknown): boolean => typeof value === 'string'
const isListOf = (value: unknown, isItem: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(isItem)
const isNumber = (value: unknown): boolean => typeof value === 'number'

const rules: Readonly<Record<Kind, { expected: string; holds: (value: unknown) => boolean }>> = {
  number: { expected: 'a number', holds: isNumber },
  boolean: { expected: 'true or false', holds: (value) => typeof value === 'boolean' },
  seed: { expected: 'a number or a bigint', holds: (value) => isNumber(value) || typeof value === 'bigint' },
  text: { expected: 'a string or a list of strings', holds: (v) => isText(v) || isListOf(v, isText) },
  texts: { expected: 'a list of strings', holds: (value) => isListOf(value, isText) },
  ids: { expected: 'a list of token ids', holds: (value) => isListOf(value, isNumber) },
  'bad ids': {
    expected: 'a list of token ids or of lists of them',
    holds: (value) => isListOf(value, (item) => isNumber(item) || isListOf(item, isNumber)),
  },
  bias: {
    expected: 'a list of [id, value] or an object of values by id',
    holds: (value) =>
      Array.isArray(value)
        ? isListOf(value, (pair) => isListOf(pair, isNumber) && (pair as number[]).length === 2)
        : typeof value === 'object' && value !== null && Object.values(value).every(isNumber),
  },
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
  const detokenize = (params.detokenize ?? true) && bounds.tokenizer !== undefined
  if (stop.length > 0 && !detokenize)
    refuse('unsupported', 'stop', 'needs text: load the model with its tokenizer, and leave detokenize on')
  return {
    engine: engineSampling(params, bounds),
    n,
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
  const { maxTokens, minTokens, temperature, topK, topP, minP, seed, ignoreEos, logprobs } = params
  const { repetitionPenalty, presencePenalty, frequencyPenalty, returnContextLogits } = params
  const { eosId } = bounds.tokenizer ?? {}
  // The tokenizer's end-of-text id ends answers too, where the model's files do not say so.
  const isExtra = eosId !== undefined && !ignoreEos && !bounds.eosIds.includes(eosId)
  const stopIds = [
    ...new Set([...(params.stopTokenIds ?? []), ...(isExtra && eosId < bounds.vocabSize ? [eosId] : [])]),
  ]
  const badWords = badSequences(params, bounds)
  const logitBias = biasPairs(params.logitBias)
  const given = {
    ...{ maxTokens, minTokens, temperature, topK, topP, minP, seed, ignoreEos, logprobs },
    ...{ repetitionPenalty, presencePenalty, frequencyPenalty, returnContextLogits },
    ...(stopIds.length > 0 && { stopIds }),
    ...(badWords.length > 0 && { badWords }),
    ...(logitBias.length > 0 && { logitBias }),
  }
  const present = Object.entries(given).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present) as CheckedSampling['engine']
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

function checkKind(name: string, value: unknown): void {
  const kind = Object.hasOwn(kinds, name) ? kinds[name as keyof SamplingParams] : undefined
  if (kind === undefined && callOptions.has(name))
    refuse('invalid_request', name, 'is no sampling parameter; it goes into the third argument, the options')
  if (kind === undefined)
    refuse(
      'invalid_request',
      name,
      `is no sampling parameter; expected one of ${Object.keys(kinds).join(', ')}`,
    )
  const { expected, holds } = rules[kind]
  if (value !== undefined && !holds(value))
    refuse('invalid_type', name, `is ${shownValue(value)}, expected ${expected}`)
}

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

function refuse(code: ErrorCode, field: string, rule: string): never {
  throw new TrtllmError(code, `${field} ${rule}`, { details: { field, param: field } })
}
