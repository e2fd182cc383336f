import type { TokenLogprobs } from '../request.js'

/**
 * When a search ends beside its length: `full` as soon as `width` answers are finished; `heuristic` when no running beam
 * could beat the worst of them at its present length; `never` when none could at any length.
 */
export const earlyStoppings = ['full', 'heuristic', 'never'] as const
export type EarlyStopping = (typeof earlyStoppings)[number]

export interface BeamOptions {
  /** Beams that run side by side, at most. */
  readonly width: number
  /** A step of the answer: beams that go on behind it; the last one counts for all that follow. Default: `width`. */
  readonly widths?: readonly number[]
  /** An answer's score is its log probability / tokens ^ lengthPenalty. */
  readonly lengthPenalty: number
  readonly earlyStopping: EarlyStopping
  /** Is added to the rank of a beam's continuations, times the number of the beam. */
  readonly diversityRate: number
}

/** The best continuations of one beam, best first, and their log probabilities. */
export interface Continuations {
  readonly ids: Int32Array
  readonly logprobs: Float32Array
}

/** A running beam or a finished answer. */
export interface Hypothesis {
  /** Of all its tokens together. */
  readonly logprob: number
  readonly score: number
  readonly tokens: readonly number[]
  /** One entry a token; candidates are those that the beam was continued from. */
  readonly logprobs: readonly TokenLogprobs[]
  /** How it ended; undefined while it runs. */
  readonly reason?: 'stop' | 'length'
}

/** A beam of the next step: which of the present ones it continues, and with what. */
export interface NextBeam {
  readonly from: number
  readonly token: number
}

/** A token of an answer and what came before it; beams share their beginnings. */
interface Link {
  readonly before: Link | undefined
  readonly token: number
  readonly logprob: number
  readonly rank: number
  readonly from: Continuations
}

interface Beam {
  readonly logprob: number
  readonly last: Link | undefined
}

interface Candidate extends Beam {
  readonly beam: number
  readonly token: number
  /** What candidates are ordered by. */
  readonly key: number
  readonly last: Link
}

interface Finished extends Beam {
  readonly score: number
  readonly length: number
  readonly reason: 'stop' | 'length'
}

/**
 * Beam search over candidates that a device lists, with the rules of Transformers' `generate`: of all continuations the
 * best (end ids + 1) x width are looked at; those that end an answer finish if they are among the first `width`, and the
 * best others go on. Pure: it knows ids and log probabilities, no model, no cache.
 */
export class BeamSearch {
  readonly #options: BeamOptions
  readonly #endIds: ReadonlySet<number>
  readonly #maxTokens: number
  #running: readonly Beam[] = [{ logprob: 0, last: undefined }]
  /** Best first. */
  #finished: readonly Finished[] = []
  #length = 0
  #canImprove = true

  /** `maxTokens`: of an answer. */
  constructor(options: BeamOptions, endIds: ReadonlySet<number>, maxTokens: number) {
    this.#options = options
    this.#endIds = endIds
    this.#maxTokens = maxTokens
  }

  /** Tokens of each running beam. */
  get length(): number {
    return this.#length
  }

  /** Continuations of a beam that must be listed so that none that counts is missing. */
  static candidates(width: number, numEndIds: number): number {
    return width + numEndIds
  }

  /** Takes the continuations of every running beam, in their order. Undefined: the search is over. */
  next(continuations: readonly Continuations[]): NextBeam[] | undefined {
    const { width, earlyStopping } = this.#options
    this.#length++
    const looked = this.#best(continuations, Math.max(2, this.#endIds.size + 1) * width)
    const atEnd = this.#length >= this.#maxTokens
    const ends = ({ token }: Candidate) => atEnd || this.#endIds.has(token)
    const going = looked.filter((one) => !ends(one)).slice(0, this.#widthNow)
    this.#finish(looked.slice(0, width).filter(ends))
    this.#running = going
    this.#canImprove &&= this.#mayImprove(going[0])
    const isFull = this.#finished.length >= width
    if (going.length === 0 || !this.#canImprove || (isFull && earlyStopping === 'full')) return undefined
    return going.map(({ beam: from, token }) => ({ from, token }))
  }

  /** The best `count` answers, best first. Where too few have finished, running ones fill up. */
  answers(count: number): Hypothesis[] {
    const running = this.#running.map((beam): Finished => {
      const score = this.#scoreOf(beam.logprob, this.#length)
      return { ...beam, score, length: this.#length, reason: 'length' }
    })
    return [...this.#finished, ...running].slice(0, count).map(({ last, ...rest }) => ({
      ...rest,
      ...unwound(last),
    }))
  }

  /** Beams behind the present step. */
  get #widthNow(): number {
    const { width, widths = [] } = this.#options
    return widths[Math.min(this.#length, widths.length) - 1] ?? width
  }

  /** The best continuations of all beams; equal ones by beam, then as listed. */
  #best(continuations: readonly Continuations[], count: number): Candidate[] {
    const { diversityRate } = this.#options
    const all = continuations.flatMap((from, beam) => {
      const { logprob: before, last: parent } = this.#running[beam]!
      return Array.from(from.ids, (token, at): Candidate => {
        const own = from.logprobs[at]!
        const logprob = before + own
        const last = { before: parent, token, logprob: own, rank: at + 1, from }
        return { beam, token, logprob, key: logprob + diversityRate * beam, last }
      })
    })
    return all
      .filter(({ token, logprob }) => token >= 0 && logprob > Number.NEGATIVE_INFINITY)
      .sort((a, b) => b.key - a.key)
      .slice(0, count)
  }

  #finish(ended: readonly Candidate[]): void {
    const { width, earlyStopping } = this.#options
    const isFull = this.#finished.length >= width
    if (!this.#canImprove || (isFull && earlyStopping === 'full')) return
    const added = ended.map(({ token, logprob, last }): Finished => {
      const score = this.#scoreOf(logprob, this.#length)
      const reason = this.#endIds.has(token) ? 'stop' : 'length'
      return { logprob, last, score, length: this.#length, reason }
    })
    this.#finished = [...this.#finished, ...added].sort((a, b) => b.score - a.score).slice(0, width)
  }

  /** Whether the best running beam may still beat the worst finished answer. */
  #mayImprove(best: Beam | undefined): boolean {
    const { width, lengthPenalty, earlyStopping } = this.#options
    if (!best) return false
    if (this.#finished.length < width) return true
    const toItsEnd = earlyStopping === 'never' && lengthPenalty > 0
    const hoped = this.#scoreOf(best.logprob, toItsEnd ? this.#maxTokens : this.#length)
    return hoped > this.#finished.at(-1)!.score
  }

  #scoreOf(logprob: number, length: number): number {
    return logprob / length ** this.#options.lengthPenalty
  }
}

/** Tokens and log probabilities up to a link. */
function unwound(last: Link | undefined): Pick<Hypothesis, 'tokens' | 'logprobs'> {
  const links: Link[] = []
  for (let link = last; link; link = link.before) links.push(link)
  links.reverse()
  return {
    tokens: links.map(({ token }) => token),
    logprobs: links.map(({ logprob, rank, from }) => ({
      logprob,
      rank,
      topIds: from.ids,
      topLogprobs: from.logprobs,
    })),
  }
}
