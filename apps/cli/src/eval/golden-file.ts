import {
  badData,
  Fields,
  isFiniteNumber,
  isName,
  isNumbers,
  isTokenIds,
  listOf,
  readDataJson,
} from './data-file.js'

/** What a reference computed for one prompt. What it did not store is not compared. */
export interface GoldenPrompt {
  readonly id: string
  readonly ids: readonly number[]
  /** Sum of -log p of prompt tokens 1.., in nats. */
  readonly promptNll?: number
  /** Of the logits at the last prompt position. */
  readonly logsumexp?: number
  /** Tokens with the largest logits at the last prompt position, and those logits. */
  readonly topIds: readonly number[]
  readonly topLogits: readonly number[]
  /** Most likely tokens one after the other, up to and including a stop id. */
  readonly greedy: readonly number[]
  /** Largest minus second largest logit at each of them; may be absent. */
  readonly gaps: readonly number[]
}

/** Reference outputs of a model. */
export interface GoldenFile {
  readonly file: string
  readonly prompts: readonly GoldenPrompt[]
}

/** Reads a golden file. @throws TrtllmError exit 64 or 65 with file, prompt, expected and found. */
export function readGoldenFile(file: string): GoldenFile {
  const whole = new Fields(file, readDataJson('--golden', file))
  const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
  const meta = new Fields(`${file}: meta`, whole.read('meta', 'an object with stop_ids', isObject))
  const stopIds = meta.read('stop_ids', 'a list of token ids', isTokenIds)
  const list = whole.read('prompts', 'a list of prompts', (value): value is unknown[] => Array.isArray(value))
  return { file, prompts: list.map((value, index) => readPrompt(file, value, index, new Set(stopIds))) }
}

function readPrompt(file: string, value: unknown, index: number, stopIds: ReadonlySet<number>): GoldenPrompt {
  const named = new Fields(`${file}: prompt ${index}`, value)
  const id = named.readOptional('id', 'a name', isName) ?? String(index)
  const fields = new Fields(`${file}: prompt ${index} (${id})`, value)
  const ids = fields.read('ids', 'a list of token ids', isTokenIds)
  listOf(ids, `${fields.where}: ids`, 'token ids')
  const promptNll = fields.readOptional('prompt_nll', 'a number', isFiniteNumber)
  const logsumexp = fields.readOptional('logsumexp', 'a number', isFiniteNumber)
  const [topIds, topLogits] = pair(fields, 'top_ids', 'top_logits')
  const [greedy, gaps] = pair(fields, 'greedy', 'gaps')
  const stop = greedy.findIndex((token) => stopIds.has(token))
  const kept = stop < 0 ? greedy.length : stop + 1
  return {
    id,
    ids,
    ...(promptNll !== undefined && { promptNll }),
    ...(logsumexp !== undefined && { logsumexp }),
    ...{ topIds, topLogits, greedy: greedy.slice(0, kept), gaps: gaps.slice(0, kept) },
  }
}

/** Token ids and a number for each of them. `gaps` alone may be left out. */
function pair(fields: Fields, idsKey: string, numbersKey: string): [number[], number[]] {
  const ids = fields.readOptional(idsKey, 'a list of token ids', isTokenIds) ?? []
  const numbers = fields.readOptional(numbersKey, 'a list of numbers', isNumbers) ?? []
  const isOptional = numbersKey === 'gaps' && numbers.length === 0
  if (ids.length === numbers.length || isOptional) return [ids, numbers]
  throw badData(
    `${fields.where}: ${numbersKey}: expected ${ids.length} numbers, one for each of ${idsKey}, found ${numbers.length}`,
  )
}
