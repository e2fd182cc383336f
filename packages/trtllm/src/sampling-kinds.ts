import { type ErrorCode, TrtllmError } from '@trtllm/kernels'
import type { SamplingParams } from './sampling-params.js'
import { shownValue } from './shown-value.js'

type Kind =
  | 'number'
  | 'boolean'
  | 'seed'
  | 'text'
  | 'texts'
  | 'ids'
  | 'numbers'
  | 'bad ids'
  | 'bias'
  | 'processors'

/** Every parameter and what it may be. The engine checks the ranges of numbers. */
const kinds: Readonly<Record<keyof SamplingParams, Kind>> = {
  maxTokens: 'number',
  minTokens: 'number',
  temperature: 'number',
  topK: 'number',
  topP: 'number',
  minP: 'number',
  topPMin: 'number',
  topPDecay: 'number',
  topPResetIds: 'number',
  repetitionPenalty: 'number',
  presencePenalty: 'number',
  frequencyPenalty: 'number',
  promptIgnoreLength: 'number',
  noRepeatNgramSize: 'number',
  seed: 'seed',
  n: 'number',
  bestOf: 'number',
  useBeamSearch: 'boolean',
  beamWidthArray: 'numbers',
  lengthPenalty: 'number',
  earlyStopping: 'number',
  beamSearchDiversityRate: 'number',
  logitsProcessor: 'processors',
  stop: 'text',
  stopTokenIds: 'ids',
  includeStopStrInOutput: 'boolean',
  ignoreEos: 'boolean',
  endId: 'number',
  padId: 'number',
  bad: 'text',
  badWords: 'texts',
  badTokenIds: 'bad ids',
  logitBias: 'bias',
  logprobs: 'number',
  promptLogprobs: 'number',
  skipSpecialTokens: 'boolean',
  addSpecialTokens: 'boolean',
  truncatePromptTokens: 'number',
  detokenize: 'boolean',
  returnContextLogits: 'boolean',
  returnGenerationLogits: 'boolean',
}

/** What people put among the parameters and belongs to the call. */
const callOptions = new Set(['signal', 'deadlineMs', 'requestId'])

const isText = (value: unknown): boolean => typeof value === 'string'
const isListOf = (value: unknown, isItem: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(isItem)
const isFunction = (value: unknown): boolean => typeof value === 'function'
const isNumber = (value: unknown): boolean => typeof value === 'number'

const rules: Readonly<Record<Kind, { expected: string; holds: (value: unknown) => boolean }>> = {
  number: { expected: 'a number', holds: isNumber },
  boolean: { expected: 'true or false', holds: (value) => typeof value === 'boolean' },
  seed: { expected: 'a number or a bigint', holds: (value) => isNumber(value) || typeof value === 'bigint' },
  text: { expected: 'a string or a list of strings', holds: (v) => isText(v) || isListOf(v, isText) },
  texts: { expected: 'a list of strings', holds: (value) => isListOf(value, isText) },
  ids: { expected: 'a list of token ids', holds: (value) => isListOf(value, isNumber) },
  numbers: { expected: 'a list of numbers', holds: (value) => isListOf(value, isNumber) },
  'bad ids': {
    expected: 'a list of token ids or of lists of them',
    holds: (value) => isListOf(value, (item) => isNumber(item) || isListOf(item, isNumber)),
  },
  processors: {
    expected: 'a function or a list of functions',
    holds: (value) => isFunction(value) || isListOf(value, isFunction),
  },
  bias: {
    expected: 'a list of [id, value] or an object of values by id',
    holds: (value) =>
      Array.isArray(value)
        ? isListOf(value, (pair) => isListOf(pair, isNumber) && (pair as number[]).length === 2)
        : typeof value === 'object' && value !== null && Object.values(value).every(isNumber),
  },
}

/** @throws TrtllmError invalid_request or invalid_type for a name that is no parameter, or a value of another type. */
export function checkKind(name: string, value: unknown): void {
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

/** Throws what names a parameter and the rule that it breaks. */
export function refuse(code: ErrorCode, field: string, rule: string): never {
  throw new TrtllmError(code, `${field} ${rule}`, { details: { field, param: field } })
}
