import { expect, it } from 'vitest'
import { pageRetention, type RetentionConfig } from './retention.js'

it('goes by the range that holds the first token of a page, and by the decode priority behind the prompt', () => {
  const config: RetentionConfig = {
    tokenRanges: [
      { tokenStart: 0, tokenEnd: 64, priority: 90, durationMs: 5 },
      { tokenStart: 32, tokenEnd: 40, priority: 60 },
      { tokenStart: 80, priority: 10 },
    ],
    decodePriority: 1,
    decodeDurationMs: 7,
  }
  const at = (position: number) => Object.values(pageRetention(config, position, 100))
  expect(at(0)).toEqual([90, 5])
  expect(at(32)).toEqual([60, undefined])
  expect(at(40)).toEqual([90, 5])
  expect(at(64)).toEqual([35, undefined])
  expect(at(96)).toEqual([10, undefined])
  expect(at(100)).toEqual([1, 7])
  expect(pageRetention({}, 100, 100).priority).toBe(35)
  expect(pageRetention({}, 0, 100).priority).toBe(35)
  expect(pageRetention(undefined, 0, 100).priority).toBe(35)
})
