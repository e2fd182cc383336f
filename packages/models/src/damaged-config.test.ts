import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exitCodeOf, TrtllmError } from '@trtllm/kernels'
import { damagedJson } from '@trtllm/kernels/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseModelConfig } from './model-config.js'
import { goldensDirectory, goldenVariants } from './testing/golden-checkpoint.js'

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
    for (const { what, value } of damagedJson(good, 2)) {
      writeFileSync(file, JSON.stringify(value))
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
    expect(wrong).toEqual([])
    expect(refused).toBeGreaterThan(50)
  },
  60_000,
)
