import { TrtllmError } from '@trtllm/kernels'
import type { EngineRequest, Output } from '../request.js'
import type { EngineCounters } from '../stats.js'
import { EngineBench } from './engine-bench.js'
import { PromptSource, randomEngine } from './random-world.js'
import { type ReferenceStream, referenceAnswers, referenceStream } from './reference-stream.js'
import { SeededRandom } from './seeded-random.js'

/** How often things happened in an interleaving; a run in which nothing happened proves nothing. */
export interface InterleavingCounts {
  requests: number
  completed: number
  /** Completed ones that searched with beams. */
  searches: number
  /** Completed ones whose tokens were chosen outside. */
  outside: number
  cancelled: number
  failedSteps: number
  pauses: number
  reads: number
  /** Page entries read that another request wrote. */
  sharedReads: number
  cachedTokens: number
}

export const noCounts = (): InterleavingCounts => ({
  requests: 0,
  completed: 0,
  searches: 0,
  outside: 0,
  cancelled: 0,
  failedSteps: 0,
  pauses: 0,
  reads: 0,
  sharedReads: 0,
  cachedTokens: 0,
})

/** What one seed does may be changed here, for instance to compare reuse on and off. */
export interface InterleavingOptions {
  readonly enableBlockReuse?: boolean
  readonly enablePartialReuse?: boolean
  /** Whether models have pools with a window. */
  readonly windows?: boolean
}

/**
 * Lives through one random history of an engine: arrivals with shared prefixes, tenants and priorities, cancels, failing
 * steps, full pools, resets, in any order with the ends of steps. Throws when an invariant breaks, a request gets other
 * tokens than the reference says, something foreign is read or anything is left over. The same seed does the same.
 */
export function liveInterleaving(seed: number, given: InterleavingOptions = {}): InterleavingCounts {
  const { windows = false, ...options } = given
  const random = new SeededRandom(seed)
  const { model, depth, options: engineOptions } = randomEngine(random, windows)
  const bench = new EngineBench({ model, depth, ...engineOptions, ...options })
  const prompts = new PromptSource(random)
  const counts = noCounts()
  const sent: EngineRequest[] = []
  const arrive = () => {
    const before = sent.length === 0 ? undefined : random.pick(sent)
    sent.push(bench.submit(prompts.next(before && [...before.promptIds, ...bench.tokensOf(before.id)])))
  }
  const numActs = random.integer(8, 40)
  for (let act = 0; act < numActs; act++) {
    if (random.next() < 0.4) bench.answer(1)
    const what = random.next()
    if (what < 0.35) arrive()
    else if (what < 0.65) for (let i = random.integer(1, 12); i > 0; i--) bench.step()
    else if (what < 0.75) bench.clock.runSoon()
    else if (what < 0.83) bench.device.runNext()
    else if (what < 0.91 && sent.length > 0) {
      bench.engine.cancel(random.pick(sent).id)
      counts.cancelled++
    } else if (what < 0.95) bench.clock.advance(random.integer(1, 10))
    else if (what < 0.98) {
      const number = bench.device.numSubmitted + random.integer(1, 3)
      const error = new TrtllmError('internal', `step ${number} failed`)
      if (random.next() < 0.3) bench.device.refuseStep(number, error)
      else bench.device.failStep(number, error)
      counts.failedSteps++
    } else bench.engine.resetPrefixCache()
    bench.engine.check()
  }
  finish(bench)
  for (const request of sent) expectAnswer(bench, request, counts)
  const { counters } = bench.engine.stats()
  expectSums(bench, sent, counters)
  counts.requests = sent.length
  counts.pauses = counters.pauses
  counts.reads = bench.device.reads.total
  counts.sharedReads = bench.device.reads.shared
  return counts
}

/** What requests were told of their tokens adds up to what the engine counted. */
function expectSums(bench: EngineBench, sent: readonly EngineRequest[], counters: EngineCounters): void {
  const sum = { promptTokens: 0, completionTokens: 0, cachedTokens: 0 }
  for (const { id } of sent) {
    const { usage } = bench.finishOf(id)!
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += usage[key]
  }
  const { promptTokens, generatedTokens, reusedTokens } = counters
  // Whoever was paused, and each fork of a beam, may reuse once more; a request is told of the first time.
  const isRight = sum.cachedTokens <= reusedTokens
  if (sum.promptTokens !== promptTokens || sum.completionTokens !== generatedTokens || !isRight)
    throw new Error(
      `interleaving: usages add up to ${JSON.stringify(sum)}, the engine counted ${promptTokens} prompt, ${generatedTokens} new and ${reusedTokens} cached tokens`,
    )
}

/** Runs until nothing is left but to wait, and says every token that is awaited from outside. */
function rest(bench: EngineBench): void {
  do bench.run(2000)
  while (bench.answer() > 0)
}

/** Runs until nothing is left, forgets all prefixes and counts every page. */
function finish(bench: EngineBench): void {
  rest(bench)
  for (let rounds = 0; !bench.engine.stats().gauges.quiescent; rounds++) {
    if (rounds > 50) throw new Error('interleaving: the engine does not come to rest')
    rest(bench)
    // Requests may be waiting for a fuller batch.
    bench.clock.advance(5)
  }
  bench.expectQuiet()
  bench.engine.resetPrefixCache()
  bench.expectQuiet()
  const { kvPagesIdle, kvPagesFree, kvPagesTotal } = bench.engine.stats().gauges
  if (kvPagesIdle !== 0 || kvPagesFree !== kvPagesTotal) {
    throw new Error(
      `interleaving: ${kvPagesFree} of ${kvPagesTotal} pages free, ${kvPagesIdle} idle after a reset`,
    )
  }
}

function expectAnswers(bench: EngineBench, request: EngineRequest, counts: InterleavingCounts): void {
  const { id, promptIds } = request
  const finish = bench.finishOf(id)
  if (!finish) throw new Error(`interleaving: ${id} never ended`)
  if (finish.reason !== 'stop' && finish.reason !== 'length') return
  const found = bench.outputsOf(id).flatMap(({ answers = [] }) => answers.map(({ tokens }) => tokens.join()))
  const expected = referenceAnswers(request, bench.engine.model).map((tokens) => tokens.join())
  if (found.join(' | ') !== expected.join(' | '))
    throw new Error(
      `interleaving: the beams of ${id} found ${found.join(' | ')}, not ${expected.join(' | ')}`,
    )
  const { promptTokens, completionTokens } = finish.usage
  const tokens = expected.join().split(',').length
  if (promptTokens !== promptIds.length || completionTokens !== tokens)
    throw new Error(`interleaving: ${id} miscounts the tokens of its beams`)
  counts.completed++
  counts.searches++
}

function expectAnswer(bench: EngineBench, request: EngineRequest, counts: InterleavingCounts): void {
  if (request.beams) {
    expectAnswers(bench, request, counts)
    return
  }
  const { id, promptIds } = request
  const expected = referenceStream(request, bench.engine.model)
  const tokens = bench.tokensOf(id)
  const finish = bench.finishOf(id)
  const fail = (what: string): never => {
    throw new Error(`interleaving: ${id} ${what}`)
  }
  if (!finish) throw new Error(`interleaving: ${id} never ended`)
  for (const [i, token] of tokens.entries()) {
    if (token !== expected.tokens[i]) fail(`got ${token} as token ${i}, expected ${expected.tokens[i]}`)
  }
  const { usage, reason } = finish
  if (usage.promptTokens !== promptIds.length || usage.completionTokens !== tokens.length)
    fail('miscounts its tokens')
  if (usage.cachedTokens < 0 || usage.cachedTokens >= promptIds.length)
    fail(`claims ${usage.cachedTokens} cached tokens`)
  counts.cachedTokens += usage.cachedTokens
  if (reason !== 'stop' && reason !== 'length') return
  if (reason !== expected.reason || tokens.length !== expected.tokens.length)
    fail(`ended too early with ${reason}`)
  counts.completed++
  if (request.chosenOutside) counts.outside++
  const outputs = bench.outputsOf(id)
  const logits = outputs.flatMap(({ generationLogits = [] }) => generationLogits)
  if (logits.length !== (request.returnGenerationLogits ? tokens.length : 0))
    fail(`got ${logits.length} rows of generation logits for ${tokens.length} tokens`)
  expectPromptLogprobs(request, outputs, expected.promptLogprobs, fail)
  if (!request.returnContextLogits) return
  const rows = outputs.reduce((sum, { contextLogits }) => sum + (contextLogits?.rows ?? 0), 0)
  if (rows !== promptIds.length) fail(`got ${rows} rows of context logits for ${promptIds.length} tokens`)
}

function expectPromptLogprobs(
  { promptLogprobs: numTop }: EngineRequest,
  outputs: readonly Output[],
  expected: ReferenceStream['promptLogprobs'],
  fail: (what: string) => never,
): void {
  let at = 0
  for (const { promptLogprobs: part } of outputs) {
    if (!part) continue
    if (part.firstPosition !== at + 1) fail(`got prompt logprobs from ${part.firstPosition} on after ${at}`)
    for (const [i, rank] of part.ranks.entries()) {
      const { logprob, rank: wanted, topIds } = expected[at++]!
      const isRight = part.logprobs[i] === logprob && rank === wanted && part.numTop === numTop
      const ids = part.topIds.subarray(i * part.numTop, (i + 1) * part.numTop)
      if (!isRight || ids.some((id, k) => id !== topIds[k])) fail(`got wrong logprobs of prompt token ${at}`)
    }
  }
  if (at !== expected.length) fail(`got logprobs of ${at} prompt tokens, expected ${expected.length}`)
}

/** Lives through `count` interleavings from `firstSeed` on. An error names the seed that brings it back. */
export function liveInterleavings(
  firstSeed: number,
  count: number,
  options: InterleavingOptions = {},
): InterleavingCounts {
  const total = noCounts()
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    try {
      const counts = liveInterleaving(seed, options)
      for (const key of Object.keys(total) as (keyof InterleavingCounts)[]) total[key] += counts[key]
    } catch (error) {
      throw new Error(`interleaving with seed ${seed}: ${(error as Error).message}`, { cause: error })
    }
  }
  return total
}

/** Interleavings to live through in tests: 20,000, or as many as the environment asks for in a soak. */
export const interleavingCount = (): number => Number(process.env.TRTLLM_INTERLEAVINGS ?? 20_000)
