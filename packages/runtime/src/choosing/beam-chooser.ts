import type { Answer, BeamRequest, TokenLogprobs } from '../request.js'
import { forkSequence, type Sequence } from '../scheduler/sequence.js'
import type { SequenceResult } from '../step/read-step.js'
import { BeamSearch } from './beam-search.js'
import type { Choice, TokenChooser } from './token-chooser.js'

/** Forks of a request that can be told apart by their place in the order; more take the first places again. */
const mostForks = 2 ** 20

/**
 * Runs a beam search over sequences: one for each beam, all of one request. When the candidates of all beams are known,
 * the search says which go on. A beam with several successors goes on as the first of them; for the others it is forked,
 * and those without one are dropped.
 */
export class BeamChooser implements TokenChooser {
  readonly #request: BeamRequest
  readonly #numLogprobs: number | undefined
  readonly #search: BeamSearch
  #beams: readonly Sequence[] = []
  readonly #reports = new Map<Sequence, TokenLogprobs>()
  #forks = 0

  /** `numLogprobs`: candidates that are told of each token of an answer. */
  constructor(
    request: BeamRequest,
    endIds: ReadonlySet<number>,
    maxTokens: number,
    numLogprobs: number | undefined,
  ) {
    this.#request = request
    this.#numLogprobs = numLogprobs
    this.#search = new BeamSearch(request, endIds, maxTokens)
  }

  take({ sequence, logprobs }: SequenceResult): Choice | undefined {
    if (this.#beams.length === 0) this.#beams = [sequence]
    this.#reports.set(sequence, logprobs!)
    if (this.#reports.size < this.#beams.length) return undefined
    const candidates = this.#beams.map((beam) => this.#reports.get(beam)!)
    this.#reports.clear()
    const next = this.#search.next(candidates.map((one) => ({ ids: one.topIds, logprobs: one.topLogprobs })))
    if (!next) return { dropped: [], forked: [], appended: [], answers: this.#answers() }
    const before = this.#beams
    const appended: [Sequence, number][] = []
    const forked: [Sequence, number][] = []
    const kept = new Set<Sequence>()
    this.#beams = next.map(({ from, token }) => {
      const beam = before[from]!
      if (!kept.has(beam)) {
        kept.add(beam)
        appended.push([beam, token])
        return beam
      }
      const fork = forkSequence(beam, 1 + (this.#forks++ % mostForks))
      forked.push([fork, token])
      return fork
    })
    return { dropped: before.filter((beam) => !kept.has(beam)), forked, appended }
  }

  #answers(): Answer[] {
    return this.#search.answers(this.#request.count).map(({ tokens, logprobs, logprob, score, reason }) => ({
      tokens: Int32Array.from(tokens),
      logprob,
      score,
      reason: reason ?? 'length',
      ...(this.#numLogprobs !== undefined && {
        logprobs: logprobs.map((one) => firstOf(one, this.#numLogprobs!)),
      }),
    }))
  }
}

/** A token's log probability with its `count` best candidates only. */
function firstOf({ logprob, rank, topIds, topLogprobs }: TokenLogprobs, count: number): TokenLogprobs {
  return { logprob, rank, topIds: topIds.slice(0, count), topLogprobs: topLogprobs.slice(0, count) }
}
