/** Priority of a page that nobody said anything about; 0 goes first, 100 last. */
export const defaultPriority = 35

/** How long the pages of a range of prompt tokens should stay in the cache. */
export interface TokenRangeRetention {
  /** First token, and the one after the last; without an end: to the end of the prompt. */
  readonly tokenStart: number
  readonly tokenEnd?: number
  /** 0 (evicted first) to 100 (evicted last). */
  readonly priority: number
  /** Milliseconds after which the priority falls back to the default; without it the priority stays. */
  readonly durationMs?: number
}

/** What a request says about the pages it leaves in the cache, under TensorRT-LLM's names. */
export interface RetentionConfig {
  readonly tokenRanges?: readonly TokenRangeRetention[]
  /** Priority of pages of generated tokens; 35 by default. */
  readonly decodePriority?: number
  readonly decodeDurationMs?: number
}

/** What holds for one page. */
export interface PageRetention {
  readonly priority: number
  readonly durationMs: number | undefined
}

const usual: PageRetention = { priority: defaultPriority, durationMs: undefined }

/**
 * Retention of the page whose first token is at `position`: the last range that holds this token decides; pages that
 * begin behind the prompt have the decode priority.
 */
export function pageRetention(
  config: RetentionConfig | undefined,
  position: number,
  promptLength: number,
): PageRetention {
  if (!config) return usual
  if (position >= promptLength) {
    return { priority: config.decodePriority ?? defaultPriority, durationMs: config.decodeDurationMs }
  }
  const ranges = config.tokenRanges ?? []
  const range = ranges.findLast(
    ({ tokenStart, tokenEnd = promptLength }) => tokenStart <= position && position < tokenEnd,
  )
  return range ? { priority: range.priority, durationMs: range.durationMs } : usual
}
