import { describe, expect, it } from 'vitest'
import { TinyCheckpoint } from '../testing/damaged-checkpoint.js'
import { tinyParams } from '../testing/refusal.js'
import type { TensorToWrite } from '../testing/write-safetensors.js'
import { cacheScalesOf } from './cache-scales.js'
import { checkParams } from './check-params.js'
import { openCheckpoint } from './open-checkpoint.js'

const path = 'model.layers.0.self_attn'
const f32 = (value: number, shape: number[] = []): TensorToWrite => ({
  dtype: 'F32',
  shape,
  data: new Uint8Array(Float32Array.from({ length: shape[0] ?? 1 }, () => value).buffer),
})
const bf16 = (bits: number): TensorToWrite => ({
  dtype: 'BF16',
  shape: [1],
  data: new Uint8Array(Uint16Array.of(bits).buffer),
})

async function scalesWith(added: Record<string, TensorToWrite>) {
  using tiny = new TinyCheckpoint()
  tiny.weights((tensors) => {
    for (const [name, tensor] of Object.entries(added)) tensors[`${path}.${name}`] = tensor
  })
  using checkpoint = await openCheckpoint(tiny.directory)
  return { scales: cacheScalesOf(checkpoint)(path), unused: checkParams(checkpoint, tinyParams()) }
}

describe('scales of caches', () => {
  it.each([
    ['none', {}, { key: 1, value: 1 }],
    [
      "ModelOpt's names",
      { 'k_proj.k_scale': f32(0.5), 'v_proj.v_scale': f32(0.25) },
      { key: 0.5, value: 0.25 },
    ],
    ["compressed-tensors' names", { k_scale: bf16(0x3fc0), v_scale: bf16(0x4000) }, { key: 1.5, value: 2 }],
    ['one of them', { v_scale: f32(3, [1]) }, { key: 1, value: 3 }],
  ])('come from the checkpoint: %s', async (_, added, expected) => {
    expect(await scalesWith(added)).toEqual({ scales: expected, unused: [] })
  })

  it.each([
    [{ k_scale: f32(0) }, 'k_scale: expected one number above 0, found F32 [] 0'],
    [{ k_scale: f32(Number.NaN) }, 'k_scale: expected one number above 0, found F32 [] NaN'],
    [{ k_scale: f32(1, [2]) }, 'k_scale: expected one number above 0, found F32 [2]'],
    [{ v_scale: { dtype: 'I32', shape: [] } as const }, 'v_scale: expected one number above 0, found I32 []'],
  ])('are refused where they make no sense: %j', async (added, message) => {
    await expect(scalesWith(added as Record<string, TensorToWrite>)).rejects.toThrow(message)
  })
})
