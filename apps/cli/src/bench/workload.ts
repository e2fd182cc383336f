import { badData, Fields, isCount, isText, isTokenIds, readDataText } from '../eval/data-file.js'

/** One request of a benchmark: token ids in, so many tokens out. */
export interface BenchRequest {
  readonly promptIds: readonly number[]
  readonly outputTokens: number
}

/** Ids below this are often special; random prompts leave them out where the vocabulary is large enough. */
const firstOrdinaryId = 256

/** Requests of one length with random ids: a fixed function of the request's number, so that runs compare. */
export function randomRequests(count: number, isl: number, osl: number, vocabSize: number): BenchRequest[] {
  return Array.from({ length: count }, (_, request) => ({
    promptIds: randomIds(request + 1, isl, vocabSize),
    outputTokens: osl,
  }))
}

/** As many requests as long as the first of a run, but of ids of their own: the cache must not have the run's prompts. */
export function warmupRequests(
  run: readonly BenchRequest[],
  count: number,
  vocabSize: number,
): BenchRequest[] {
  return run.slice(0, count).map(({ promptIds, outputTokens }, index) => ({
    promptIds: randomIds(-1 - index, promptIds.length, vocabSize),
    outputTokens,
  }))
}

function randomIds(seed: number, count: number, vocabSize: number): number[] {
  const first = vocabSize > 4 * firstOrdinaryId ? firstOrdinaryId : 0
  let state = Math.imul(seed, 0x9e3779b1) | 1
  return Array.from({ length: count }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return first + ((state >>> 0) % (vocabSize - first))
  })
}

/** One request of a benchmark over HTTP: a server takes text too. */
export interface ServedRequest {
  readonly prompt: string | readonly number[]
  readonly outputTokens: number
}

/** Requests of random ids over HTTP, whose numbers begin with `first`. */
export function randomServed(
  first: number,
  count: number,
  isl: number,
  osl: number,
  vocabSize: number,
): ServedRequest[] {
  return Array.from({ length: count }, (_, i) => ({
    prompt: randomIds(first + i, isl, vocabSize),
    outputTokens: osl,
  }))
}

/**
 * Requests of a JSONL file in TensorRT-LLM's form: {"task_id", "input_ids", "output_tokens"} a line, or a "prompt" of
 * text. @throws TrtllmError exit 65 naming file, line and key.
 */
export function readDataset(file: string): ServedRequest[] {
  const lines = readDataText('--dataset', file).split('\n')
  const requests = lines.flatMap((line, index): ServedRequest[] => {
    if (line.trim() === '') return []
    const fields = new Fields(`${file}: line ${index + 1}`, parsed(line, `${file}: line ${index + 1}`))
    const outputTokens = fields.read('output_tokens', 'a whole number above 0', isCount)
    const ids = fields.readOptional('input_ids', 'a list of token ids', isTokenIds)
    return [{ prompt: ids ?? fields.read('prompt', 'text, or input_ids', isText), outputTokens }]
  })
  if (requests.length === 0) throw badData(`${file}: expected a request a line, found none`)
  return requests
}

/** The requests of a file, text encoded with `encode`. @throws as `readDataset`. */
export function readRequests(file: string, encode: (text: string) => number[]): BenchRequest[] {
  return readDataset(file).map(({ prompt, outputTokens }) => {
    return { promptIds: typeof prompt === 'string' ? encode(prompt) : prompt, outputTokens }
  })
}

function parsed(line: string, where: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw badData(`${where}: expected a JSON object: ${(error as Error).message}`)
  }
}
