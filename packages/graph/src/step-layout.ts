import { listWordsPerSlot, maxLogprobs, samplingWordsPerSlot, TrtllmError } from '@trtllm/kernels'

/** Tokens a KV page holds. */
export const pageTokens = 32

/** Words of one delta record: destination word, count, source word. */
export const wordsPerDelta = 3

/** Words of one page copy: pool, source page, destination page, tokens. */
export const wordsPerCopy = 4

/** Sections of slab, results and state start at multiples of this many words (256 bytes). */
const sectionAlignment = 64

/** The largest step a plan accepts and the size of the state it keeps between steps. */
export interface StepLimits {
  /** Tokens of one step. */
  readonly maxTokens: number
  /** Logits rows of one step. */
  readonly maxRows: number
  /** Sequences of one step. */
  readonly maxSeqs: number
  /** Sequences the device remembers between steps. */
  readonly numSlots: number
  /** Tokens of one sequence, prompt and output together. */
  readonly maxSeqLen: number
  readonly pageTokens: typeof pageTokens
  /** Page tables a slot has, one for each pool of equal caches. */
  readonly numPools: number
  /** Delta records of one step. */
  readonly maxDeltas: number
  /** Words that the deltas of one step carry together. */
  readonly maxDeltaWords: number
}

/** A run of words; `offset` and `length` count i32 words. */
export interface WordSection {
  readonly offset: number
  readonly length: number
}

/** An array of one record a slot: record `s` starts at word `offset + s * rowWords`. */
export interface StateSection {
  readonly offset: number
  readonly rowWords: number
}

export interface SlabSections {
  /** How many records of `deltas` this step has. */
  readonly numDeltas: WordSection
  /** (destination word in the state, count, source word in `deltaData`) a record. */
  readonly deltas: WordSection
  readonly deltaData: WordSection
  /** A token: its slot, its position in the sequence, which rope table it uses. */
  readonly tokenSlot: WordSection
  readonly positions: WordSection
  readonly ropeVariant: WordSection
  /** A sequence: its slot, its first token in this step (one more entry ends the last), cached tokens with this step's. */
  readonly seqSlot: WordSection
  readonly seqStart: WordSection
  readonly seqContext: WordSection
  /** A logits row: its token in this step, slot, position, what is done with it (`rowTasks`), and the id it scores. */
  readonly logitRows: WordSection
  readonly rowSlot: WordSection
  readonly rowPosition: WordSection
  readonly rowSample: WordSection
  readonly rowTarget: WordSection
  /** How many records of `copies` this step has. */
  readonly numCopies: WordSection
  /** (pool, source page, destination page, tokens) a record: what is copied before anything is written. */
  readonly copies: WordSection
}

export interface ResultSections {
  /** A row: the sampled id, or -1. */
  readonly token: WordSection
  /** A row: f32 bits of the id's log probability. */
  readonly logprob: WordSection
  /** A row: 1 + how many ids are more likely. */
  readonly rank: WordSection
  /** A row: `maxLogprobs` ids, best first, and the f32 bits of their log probabilities. */
  readonly topIds: WordSection
  readonly topLogprobs: WordSection
}

export interface StateSections {
  /** [numSlots][maxSeqLen + 1] the ids of each sequence by position. */
  readonly slotTokens: StateSection
  /** One for each pool: [numSlots][maxPages] the page ids of each sequence. */
  readonly pageTable: readonly StateSection[]
  /** [numSlots][32] the record of sampling-words. */
  readonly sampling: StateSection
  /** [numSlots][3136] end ids, biases and bad words. */
  readonly lists: StateSection
}

/** Where everything that crosses between host and device lies. All numbers are i32 words. */
export interface StepLayout {
  readonly limits: StepLimits
  /** Pages that a sequence of `maxSeqLen` tokens and the one sampled after them needs. */
  readonly maxPages: number
  readonly slab: SlabSections
  readonly slabWords: number
  readonly result: ResultSections
  readonly resultWords: number
  readonly state: StateSections
  readonly stateWords: number
}

/**
 * Lays out the step slab (host to device), the results (device to host) and the slot state (device only), the one
 * definition that scheduler, graph and kernels share. Throws `out_of_range` on a limit that is not a whole number
 * above zero, or a state beyond what a delta can address.
 */
export function stepLayout(limits: StepLimits): StepLayout {
  checkLimits(limits)
  const { maxTokens, maxRows, maxSeqs, numSlots, maxSeqLen } = limits
  const maxPages = Math.ceil((maxSeqLen + 1) / limits.pageTokens)

  const slabSpace = new WordAllocator()
  const slab: SlabSections = {
    numDeltas: slabSpace.section(1),
    deltas: slabSpace.section(limits.maxDeltas * wordsPerDelta),
    deltaData: slabSpace.section(limits.maxDeltaWords),
    tokenSlot: slabSpace.section(maxTokens),
    positions: slabSpace.section(maxTokens),
    ropeVariant: slabSpace.section(maxTokens),
    seqSlot: slabSpace.section(maxSeqs),
    seqStart: slabSpace.section(maxSeqs + 1),
    seqContext: slabSpace.section(maxSeqs),
    logitRows: slabSpace.section(maxRows),
    rowSlot: slabSpace.section(maxRows),
    rowPosition: slabSpace.section(maxRows),
    rowSample: slabSpace.section(maxRows),
    rowTarget: slabSpace.section(maxRows),
    numCopies: slabSpace.section(1),
    // A sequence copies when it comes in, one page of each pool.
    copies: slabSpace.section(maxSeqs * limits.numPools * wordsPerCopy),
  }

  const resultSpace = new WordAllocator()
  const result: ResultSections = {
    token: resultSpace.section(maxRows),
    logprob: resultSpace.section(maxRows),
    rank: resultSpace.section(maxRows),
    topIds: resultSpace.section(maxRows * maxLogprobs),
    topLogprobs: resultSpace.section(maxRows * maxLogprobs),
  }

  const stateSpace = new WordAllocator()
  const perSlot = (rowWords: number): StateSection => ({
    offset: stateSpace.section(numSlots * rowWords).offset,
    rowWords,
  })
  const state: StateSections = {
    slotTokens: perSlot(maxSeqLen + 1),
    pageTable: Array.from({ length: limits.numPools }, () => perSlot(maxPages)),
    sampling: perSlot(samplingWordsPerSlot),
    lists: perSlot(listWordsPerSlot),
  }
  if (stateSpace.words > 0x7fffffff) {
    throw new TrtllmError(
      'out_of_range',
      `${numSlots} slots of ${maxSeqLen} tokens need ${stateSpace.words} words of slot state, a delta addresses ${0x7fffffff}: lower max_batch_size or max_seq_len`,
    )
  }
  return {
    limits,
    maxPages,
    slab,
    slabWords: slabSpace.words,
    result,
    resultWords: resultSpace.words,
    state,
    stateWords: stateSpace.words,
  }
}

/** Hands out aligned runs of words, first to last. `words` is the room taken so far, aligned too. */
class WordAllocator {
  words = 0

  section(length: number): WordSection {
    const offset = this.words
    this.words += Math.ceil(length / sectionAlignment) * sectionAlignment
    return { offset, length }
  }
}

function checkLimits(limits: StepLimits): void {
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new TrtllmError('out_of_range', `${name} is ${value}, expected a whole number of at least 1`)
    }
  }
  if (limits.pageTokens !== pageTokens) {
    throw new TrtllmError(
      'out_of_range',
      `pageTokens is ${limits.pageTokens}, pages hold ${pageTokens} tokens`,
    )
  }
}
