import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exitCodeOf, TrtllmError } from '@trtllm/kernels'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseModelConfig } from './model-config.js'
import { goldensDirectory, goldenVariants } from './testing/golden-checkpoint.js'

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
  [],
  [[]],
  [null],
  {},
  { type: 'x' },
]

/** Every place in a JSON value, outermost first; of long lists the first few. */
function* places(
  value: unknown,
  path: readonly (string | number)[] = [],
): Generator<readonly (string | number)[]> {
  if (path.length > 0) yield path
  if (typeof value !== 'object' || value === null) return
  const keys = Array.isArray(value) ? [...value.keys()].slice(0, 2) : Object.keys(value)
  for (const key of keys) yield* places((value as Record<string | number, unknown>)[key], [...path, key])
}

/** A copy with another value at a place; undefined takes it out. */
function changed(value: unknown, [key, ...rest]: readonly (string | number)[], to: unknown): unknown {
  if (key === undefined) return to
  const copy = structuredClone(value) as Record<string | number, unknown>
  copy[key] = changed(copy[key], rest, to)
  return copy
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

// One of each family in every run, all of them in a soak.
const isSoak = process.env.TRTLLM_SOAK === '1'
const familyOf = (variant: string) => variant.split('/')[0]
const variants = goldenVariants().filter(
  (variant, at, all) => isSoak || familyOf(variant) !== familyOf(all[at - 1] ?? ''),
)

it.each(variants)(
  'a config with any one value changed is read or refused by name, at once: %s',
  async (variant) => {
    const file = join(folder, 'config.json')
    const good = JSON.parse(readFileSync(join(goldensDirectory, variant, 'config.json'), 'utf8'))
    const wrong: string[] = []
    let refused = 0
    for (const place of places(good)) {
      for (const value of [undefined, ...hostile]) {
        writeFileSync(file, JSON.stringify(changed(good, place, value)))
        const what = `${place.join('.')} = ${JSON.stringify(value)}`
        const startMs = performance.now()
        try {
          await parseModelConfig(folder)
        } catch (error) {
          refused++
          const isNamed = error instanceof TrtllmError && error.message.includes('config.json')
          if (!isNamed || ![65, 78].includes(exitCodeOf(error)))
            wrong.push(`${what}: ${String(error).slice(0, 160)}`)
        }
        if (performance.now() - startMs > 1000) wrong.push(`${what}: took ${performance.now() - startMs} ms`)
      }
    }
    expect(wrong).toEqual([])
    expect(refused).toBeGreaterThan(50)
  },
  60_000,
)
