import { rmSync } from 'node:fs'
import { TrtllmError } from '@trtllm/kernels'
import { expect, it } from 'vitest'
import { loadTokenizer } from './load-tokenizer.js'
import { byteFallbackTokenizer, folderWith } from './testing/small-tokenizer.js'

const hostile = [
  null,
  true,
  -1,
  0,
  1.5,
  2 ** 31,
  2 ** 53,
  '',
  'x',
  '\ud800',
  '('.repeat(40),
  [],
  [[]],
  [null],
  {},
  { type: 'x' },
]

/** Every place in a JSON value, outermost first; of long lists and objects the first few. */
function* places(
  value: unknown,
  path: readonly (string | number)[] = [],
): Generator<readonly (string | number)[]> {
  if (path.length > 0) yield path
  if (typeof value !== 'object' || value === null) return
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value)
  for (const key of keys.slice(0, 6))
    yield* places((value as Record<string | number, unknown>)[key], [...path, key])
}

/** A copy with another value at a place; undefined takes it out. */
function changed(value: unknown, [key, ...rest]: readonly (string | number)[], to: unknown): unknown {
  if (key === undefined) return to
  const copy = structuredClone(value) as Record<string | number, unknown>
  copy[key] = changed(copy[key], rest, to)
  return copy
}

it('a tokenizer with any one value changed loads and works, or is refused by name, at once', () => {
  const good = byteFallbackTokenizer()
  const config = {
    bos_token: '<s>',
    eos_token: { content: '</s>' },
    chat_template: '{{ messages[0].content }}',
  }
  const wrong: string[] = []
  let [refused, tried] = [0, 0]
  for (const [file, whole] of [
    ['tokenizer.json', good],
    ['tokenizer_config.json', config],
  ] as const) {
    for (const place of places(whole)) {
      for (const value of [undefined, ...hostile]) {
        const files = {
          'tokenizer.json': good,
          'tokenizer_config.json': config,
          [file]: changed(whole, place, value),
        }
        const folder = folderWith(files)
        const what = `${file} ${place.join('.')} = ${JSON.stringify(value)}`
        const startMs = performance.now()
        tried++
        try {
          const tokenizer = loadTokenizer(folder)
          const text = tokenizer.decode(tokenizer.encode('a b\n👍 ab'))
          if (typeof text !== 'string') wrong.push(`${what}: decodes to ${typeof text}`)
        } catch (error) {
          refused++
          const isNamed =
            error instanceof TrtllmError && error.code === 'bad_tokenizer' && error.message.includes(folder)
          if (!isNamed) wrong.push(`${what}: ${String(error).slice(0, 160)}`)
        } finally {
          rmSync(folder, { recursive: true })
        }
        if (performance.now() - startMs > 1000) wrong.push(`${what}: took ${performance.now() - startMs} ms`)
      }
    }
  }
  expect(wrong).toEqual([])
  expect(refused).toBeGreaterThan(tried / 4)
}, 120_000)
