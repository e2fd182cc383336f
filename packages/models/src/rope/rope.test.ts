import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { HfConfig } from '../hf-config.js'
import type { JsonObject } from '../strict-json.js'
import { dynamicBase } from './base-frequencies.js'
import { parseRope } from './parse-rope.js'
import { ropeKinds } from './rope.js'

interface GoldenCase {
  name: string
  config: JsonObject & { head_dim: number; max_position_embeddings: number }
  inverse_frequencies: number[][]
  attention_factor: number
  lengths?: number[]
}

const goldenOf = (kind: string): { cases: GoldenCase[] } =>
  JSON.parse(readFileSync(new URL(`goldens/${kind}.json`, import.meta.url), 'utf8'))

const ropeOf = (config: GoldenCase['config']) =>
  parseRope(new HfConfig('config.json', config), config.head_dim, config.max_position_embeddings)

const largestError = (found: Float32Array, expected: number[]): number =>
  Math.max(...expected.map((value, i) => Math.abs(found[i]! - value) / value))

describe.each(ropeKinds)('%s rope', (kind) => {
  it.each(goldenOf(kind).cases)('agrees with Transformers: $name', (golden) => {
    const { rope } = ropeOf(golden.config)
    expect(rope.kind).toBe(kind)
    expect(Math.abs(rope.attentionFactor - golden.attention_factor)).toBeLessThan(1e-6)
    const tables = rope.dynamic
      ? golden.lengths!.map((tokens) => {
          const { factor, length } = rope.dynamic!
          const base = dynamicBase(rope, factor, length, tokens)
          return Float32Array.from(rope.inverseFrequencies[0]!, (_, i) => base ** ((-2 * i) / rope.rotaryDim))
        })
      : rope.inverseFrequencies
    expect(tables).toHaveLength(golden.inverse_frequencies.length)
    for (const [i, expected] of golden.inverse_frequencies.entries()) {
      expect(tables[i]).toHaveLength(expected.length)
      expect(largestError(tables[i]!, expected)).toBeLessThan(1e-6)
    }
  })
})

describe('longest text', () => {
  const lengthOf = (rope_scaling: JsonObject, max_position_embeddings = 4096): number =>
    ropeOf({ head_dim: 64, max_position_embeddings, rope_scaling }).maxSeqLen

  it('grows by the factor where positions are squeezed', () => {
    expect(lengthOf({ type: 'linear', factor: 4 })).toBe(16_384)
    expect(lengthOf({ type: 'dynamic', factor: 2 })).toBe(8192)
    expect(lengthOf({ type: 'yarn', factor: 4, original_max_position_embeddings: 4096 })).toBe(16_384)
  })

  it('is max_position_embeddings where that already counts the scaling', () => {
    const llama3 = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 }
    expect(lengthOf({ ...llama3, original_max_position_embeddings: 8192 }, 131_072)).toBe(131_072)
    expect(lengthOf({ type: 'yarn', factor: 4, original_max_position_embeddings: 1024 })).toBe(4096)
  })
})

describe('longrope', () => {
  it('says from how many tokens on the long table holds, also under its old name', () => {
    const lists = { short_factor: new Array(32).fill(1), long_factor: new Array(32).fill(2) }
    const rope_scaling = { type: 'su', ...lists, original_max_position_embeddings: 1024 }
    const { rope } = ropeOf({ head_dim: 64, max_position_embeddings: 4096, rope_scaling })
    expect(rope.longAbove).toBe(1024)
    expect(rope.inverseFrequencies).toHaveLength(2)
  })
})
