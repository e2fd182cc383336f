import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openCheckpoint } from '../checkpoint/open-checkpoint.js'
import { goldenTensors, goldenValues, goldenVariants, writeGoldenCheckpoint } from './golden-checkpoint.js'

describe('golden weights', () => {
  // Printed by tools/make-golden.py's `values`.
  it.each([
    [
      'model.embed_tokens.weight',
      5,
      [
        0.48835158348083496, -0.5476545095443726, 0.06542325019836426, -0.06628131866455078,
        -0.4956939220428467,
      ],
    ],
    [
      'model.norm.weight',
      5,
      [0.7622818946838379, 1.0993309020996094, 0.8332532048225403, 0.9711182117462158, 1.1104342937469482],
    ],
    [
      'model.layers.1.self_attn.q_proj.weight',
      3000,
      [
        -0.24228838086128235, -0.21081975102424622, 0.09538796544075012, 0.012327700853347778,
        -0.0204298198223114,
      ],
    ],
  ])('%s equals what Python makes', (name, count, last) => {
    expect([...goldenValues(name, count).slice(-5)]).toEqual(last)
  })

  it.each(goldenVariants())('%s opens as a checkpoint with every tensor of the model', async (variant) => {
    const directory = writeGoldenCheckpoint(variant)
    try {
      using checkpoint = await openCheckpoint(directory)
      const names = goldenTensors(variant).map(([name]) => name)
      const found = [...checkpoint.tensors.keys()].filter((name) => !/_scale(_inv)?$/.test(name))
      expect(found.sort()).toEqual(names.sort())
      expect(checkpoint.model.eosIds).toEqual([1])
      expect(statSync(join(directory, 'model.safetensors')).size).toBeGreaterThan(100_000)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})
