import { expect, it } from 'vitest'
import type { ModelWork } from '../src/bench/model-work.js'
import { rooflineBound } from '../src/bench/roofline.js'
import { tuneSizes } from '../src/bench/tune-sizes.js'

const layers = 32
const linears = layers * (4096 * (4096 + 2 * 1024) + 4096 * 4096 + 3 * 4096 * 14336)
const head = 128_256 * 4096
/** Llama 3.1 8B with fp8 weights and an fp8 KV cache. */
const llama8b: ModelWork = {
  linearBytes: linears,
  linearFlops: 2 * linears,
  linearsAreF8: true,
  headBytes: 2 * head,
  headFlops: 2 * head,
  kvBytesPerToken: 2 * layers * 8 * 128,
  attentionFlops: 4 * layers * 32 * 128,
  attentionIsF8: true,
}
const h200 = { copyBytesPerS: 4.3e12, floatFlopsPerS: 790e12, f8FlopsPerS: 1450e12 }

// A separate simulation of the same serial model gave these, with attention at 4.4 TB/s and fp8 rates.
it.each([
  [128, 128, 30_000, 4096, 42_792],
  [128, 2048, 3000, 926, 34_837],
  [1000, 1000, 3000, 1007, 23_214],
  [2048, 128, 3000, 926, 4948],
])('bounds %i + %i tokens as an independent simulation does', (isl, osl, requests, maxBatchSize, known) => {
  const cell = { requests, isl, osl, maxBatchSize, maxNumTokens: 16_384 }
  const { outputTokPerS } = rooflineBound(llama8b, cell, h200)
  expect(outputTokPerS / known).toBeGreaterThan(0.92)
  expect(outputTokPerS / known).toBeLessThan(1.03)
})

it('counts every step: one for the prompt and its first token, then one a token', () => {
  const cell = { requests: 1, isl: 100, osl: 40, maxBatchSize: 1, maxNumTokens: 64 }
  expect(rooflineBound(llama8b, cell, h200).steps).toBe(2 + 39)
})

it.each([
  [true, h200.f8FlopsPerS],
  [false, h200.floatFlopsPerS],
])(
  'with keys and values in fp8 %s, holds the attention of a prompt to that rate',
  (attentionIsF8, flopsPerS) => {
    const cell = { requests: 1, isl: 8192, osl: 1, maxBatchSize: 1, maxNumTokens: 8192 }
    const seconds = (work: ModelWork) => rooflineBound(work, cell, h200).seconds
    const attention = seconds({ ...llama8b, attentionIsF8 }) - seconds({ ...llama8b, attentionFlops: 0 })
    expect(attention).toBeCloseTo((((8192 * 8192) / 2) * llama8b.attentionFlops) / flopsPerS, 9)
  },
)

it('chooses the sizes of the known rule', () => {
  const llama = { freeBytes: 150e9, weightsBytes: 9e9, kvBytesPerToken: 65_536 }
  expect(tuneSizes({ ...llama, isl: 128, osl: 128 })).toEqual({ maxBatchSize: 4096, maxNumTokens: 8192 })
  expect(tuneSizes({ ...llama, isl: 1000, osl: 1000 })).toEqual({ maxBatchSize: 1024, maxNumTokens: 2048 })
})

it('chooses one sequence where the cache holds none in full', () => {
  const tiny = { freeBytes: 1e9, weightsBytes: 1e9, kvBytesPerToken: 65_536, isl: 128, osl: 128 }
  expect(tuneSizes(tiny).maxBatchSize).toBeGreaterThan(0)
})
