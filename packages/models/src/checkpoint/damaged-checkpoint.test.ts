import { rmSync, truncateSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Damage, TinyCheckpoint } from '../testing/damaged-checkpoint.js'
import { refusalOf, tinyParams } from '../testing/refusal.js'
import type { TensorToWrite } from '../testing/write-safetensors.js'
import { checkParams } from './check-params.js'
import { openCheckpoint } from './open-checkpoint.js'

const q = 'model.layers.0.self_attn.q_proj.weight'
const norm = 'model.norm.weight'

const shards =
  (change: Parameters<TinyCheckpoint['shards']>[0]): Damage =>
  (c) =>
    c.shards(change)
const weights =
  (change: Parameters<TinyCheckpoint['weights']>[0]): Damage =>
  (c) =>
    c.weights(change)
const tensor = (name: string, found: TensorToWrite): Damage =>
  weights((tensors) => {
    tensors[name] = found
  })
const listed = (name: string, shard: string): Damage =>
  shards(({ weightMap }) => {
    weightMap[name] = shard
  })

/** name, damage, exact message (paths relative to the model directory). Every one exits 65. */
const table: [string, Damage, string][] = [
  [
    'no weights at all',
    () => undefined,
    'DIR: no model.safetensors and no model.safetensors.index.json; the download is incomplete',
  ],
  [
    'pickle weights only',
    (c) => c.json('pytorch_model.bin', ''),
    'DIR: no model.safetensors and no model.safetensors.index.json; pytorch_model.bin is a pickle file: convert the checkpoint to safetensors',
  ],
  [
    'shards without their index',
    (c) => rmSync(c.shards().path('model.safetensors.index.json')),
    'DIR: no model.safetensors and no model.safetensors.index.json; found a.safetensors, b.safetensors without an index',
  ],
  [
    'missing tensor',
    weights((t) => {
      delete t[q]
    }),
    `DIR: tensor ${q} is missing; expected [8, 8]`,
  ],
  [
    'names with another prefix',
    weights((t) => {
      for (const name of Object.keys(t)) {
        t[`base_model.${name}`] = t[name]!
        delete t[name]
      }
    }),
    'DIR: tensor model.embed_tokens.weight is missing; expected [16, 8]; the checkpoint has base_model.model.embed_tokens.weight',
  ],
  [
    'transposed tensor',
    tensor('model.layers.0.mlp.up_proj.weight', { dtype: 'BF16', shape: [8, 16] }),
    'model.safetensors: tensor model.layers.0.mlp.up_proj.weight: expected shape [16, 8], found [8, 16]',
  ],
  [
    'flattened tensor',
    tensor(q, { dtype: 'BF16', shape: [64] }),
    `model.safetensors: tensor ${q}: expected shape [8, 8], found [64]`,
  ],
  [
    'integer weights',
    tensor(q, { dtype: 'I8', shape: [8, 8] }),
    `model.safetensors: tensor ${q}: expected dtype F32, F16 or BF16, found I8`,
  ],
  [
    'missing shard',
    (c) => rmSync(c.shards().path('b.safetensors')),
    'model.safetensors.index.json: 1 of 2 shards are missing: b.safetensors; the download is incomplete',
  ],
  [
    'truncated shard',
    (c) => truncateSync(c.shards().path('b.safetensors'), 900),
    'b.safetensors: tensor model.layers.0.mlp.gate_proj.weight ends at byte 1000 but the file has 900: truncated, 100 or more bytes are missing; download it again',
  ],
  [
    'index without weight_map',
    (c) => c.shards().json('model.safetensors.index.json', {}),
    'model.safetensors.index.json: weight_map is missing or empty; expected tensor names mapped to shard files',
  ],
  [
    'index that is cut',
    (c) => c.shards().json('model.safetensors.index.json', '{"weight_map":{'),
    'model.safetensors.index.json: not valid JSON: expected a key at character 15',
  ],
  [
    'index that leaves the directory',
    listed(norm, '../b.safetensors'),
    `model.safetensors.index.json: weight_map["${norm}"] must be a .safetensors file name, found "../b.safetensors"`,
  ],
  [
    'listed but absent',
    shards((s) => {
      delete s.files['b.safetensors']![norm]
    }),
    `b.safetensors: tensor ${norm} is absent, though model.safetensors.index.json lists it`,
  ],
  [
    'listed in another shard',
    listed(norm, 'a.safetensors'),
    `b.safetensors: tensor ${norm} is here, but model.safetensors.index.json says a.safetensors`,
  ],
  [
    'in two shards',
    shards((s) => {
      s.files['b.safetensors']![q] = { dtype: 'BF16', shape: [8, 8] }
    }),
    `b.safetensors: tensor ${q} is also in a.safetensors`,
  ],
  [
    'not listed',
    shards((s) => {
      delete s.weightMap[norm]
    }),
    `b.safetensors: tensor ${norm} is not listed in model.safetensors.index.json`,
  ],
]

describe('a damaged checkpoint is refused', () => {
  it.each(table)('%s', async (_name, damage, message) =>
    expect(await refusalOf(damage)).toEqual([message, 65]),
  )
})

describe('a sound checkpoint is accepted', () => {
  it.each([
    ['one file', (c: TinyCheckpoint) => c.weights()],
    ['two shards', (c: TinyCheckpoint) => c.shards()],
  ])('%s', async (_name, build) => {
    using tiny = new TinyCheckpoint()
    build(tiny)
    using checkpoint = await openCheckpoint(tiny.directory)
    expect(checkParams(checkpoint, tinyParams())).toEqual([])
  })

  it('with tensors the model does not use: they are named, computed buffers are not', async () => {
    using tiny = new TinyCheckpoint()
    tiny.weights((tensors) => {
      tensors['model.layers.0.self_attn.rotary_emb.inv_freq'] = { dtype: 'F32', shape: [2] }
      tensors['lm_head.weight'] = { dtype: 'BF16', shape: [16, 8] }
    })
    using checkpoint = await openCheckpoint(tiny.directory)
    expect(checkParams(checkpoint, tinyParams())).toEqual(['lm_head.weight'])
  })
})
