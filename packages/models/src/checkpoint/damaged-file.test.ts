import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Damage, TinyCheckpoint } from '../testing/damaged-checkpoint.js'
import { refusalOf } from '../testing/refusal.js'
import type { HeaderEntry } from '../testing/write-safetensors.js'

const q = 'model.layers.0.self_attn.q_proj.weight'
const norm = 'model.norm.weight'

type RawChange = Parameters<TinyCheckpoint['rawWeights']>[0]
const raw =
  (change: RawChange): Damage =>
  (c) =>
    c.rawWeights(change)
const entry = (name: string, changes: Partial<HeaderEntry>): Damage =>
  raw((header) => {
    Object.assign(header[name]!, changes)
    return {}
  })

function lengthField(claimed: bigint) {
  return (c: TinyCheckpoint): void => {
    const bytes = readFileSync(c.weights().single)
    bytes.writeBigUInt64LE(claimed)
    writeFileSync(c.single, bytes)
  }
}

/** Shifts the data by one byte: the header is one space longer. */
function misalign(c: TinyCheckpoint): void {
  const bytes = readFileSync(c.weights().single)
  const length = Number(bytes.readBigUInt64LE())
  bytes.writeBigUInt64LE(BigInt(length + 1))
  writeFileSync(
    c.single,
    Buffer.concat([bytes.subarray(0, 8 + length), Buffer.from(' '), bytes.subarray(8 + length)]),
  )
}

/** name, damage, exact message (paths relative to the model directory). Every one exits 65. */
const table: [string, Damage, string][] = [
  [
    'empty file',
    (c) => truncateSync(c.weights().single, 0),
    'model.safetensors: 0 bytes are too few for a safetensors file; download it again',
  ],
  [
    'a Git LFS pointer',
    (c) =>
      writeFileSync(c.weights().single, 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n'),
    'model.safetensors: is a Git LFS pointer, not the weights; run "git lfs pull" in its folder',
  ],
  [
    'a directory',
    (c) => {
      rmSync(c.weights().single)
      mkdirSync(c.single)
    },
    'model.safetensors: is a directory, expected a safetensors file',
  ],
  [
    'cut inside the length',
    (c) => truncateSync(c.weights().single, 7),
    'model.safetensors: 7 bytes are too few for a safetensors file; download it again',
  ],
  [
    'cut inside the header',
    (c) => truncateSync(c.weights().single, 100),
    'model.safetensors: the header claims 1064 bytes but the file has 100: truncated; download it again',
  ],
  [
    'cut inside the data',
    (c) => truncateSync(c.weights().single, 2000),
    `model.safetensors: tensor model.layers.0.mlp.up_proj.weight ends at byte 2256 but the file has 2000: truncated, 256 or more bytes are missing; download it again`,
  ],
  [
    'header beyond the cap',
    lengthField(100_000_001n),
    'model.safetensors: the header claims 100000001 bytes; the format allows at most 100000000: not a safetensors file, or damaged',
  ],
  [
    'header length of 2^64 - 1',
    lengthField(2n ** 64n - 1n),
    'model.safetensors: the header claims 18446744073709551615 bytes; the format allows at most 100000000: not a safetensors file, or damaged',
  ],
  ['header length of 0', lengthField(0n), 'model.safetensors: the header must begin with "{"'],
  [
    'a web page',
    (c) => writeFileSync(c.single, '<!doctype html><title>404</title>'),
    'model.safetensors: the header claims 8104636974849335612 bytes; the format allows at most 100000000: not a safetensors file, or damaged',
  ],
  [
    'header that is not JSON',
    raw(() => ({ header: '{"a":}' })),
    'model.safetensors: the header is not valid JSON: unexpected character at character 5',
  ],
  [
    'header that is not UTF-8',
    (c) =>
      writeFileSync(
        c.single,
        Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 0, 0, 0]), Buffer.from([0x7b, 0xff, 0xfe, 0x7d])]),
      ),
    'model.safetensors: the header is not valid UTF-8',
  ],
  [
    'tensor named twice',
    raw((header) => ({ header: JSON.stringify(header).replace('model.norm.weight', q) })),
    `model.safetensors: the header is not valid JSON: duplicate key "${q}" at character 955`,
  ],
  [
    'tensor named __proto__',
    raw((header) => ({ header: JSON.stringify(header).replace('model.norm.weight', '__proto__') })),
    'DIR: tensor model.norm.weight is missing; expected [8]',
  ],
  [
    'metadata that is not text',
    raw((header) => ({ header: JSON.stringify({ __metadata__: { format: 1 }, ...header }) })),
    'model.safetensors: __metadata__ must map strings to strings',
  ],
  [
    'unknown dtype',
    entry(norm, { dtype: 'BF15' }),
    `model.safetensors: tensor ${norm}: unknown dtype "BF15"`,
  ],
  [
    'dtype named like a method',
    entry(norm, { dtype: 'toString' }),
    `model.safetensors: tensor ${norm}: unknown dtype "toString"`,
  ],
  [
    'dtype that needs more bytes',
    entry(norm, { dtype: 'F32' }),
    `model.safetensors: tensor ${norm}: F32 [8] needs 32 bytes, data_offsets span 16 bytes`,
  ],
  [
    'shape that needs fewer bytes',
    entry(q, { shape: [8, 4] }),
    `model.safetensors: tensor ${q}: BF16 [8, 4] needs 64 bytes, data_offsets span 128 bytes`,
  ],
  [
    'shape whose product overflows',
    entry(q, { shape: [2 ** 40, 2 ** 40] }),
    `model.safetensors: tensor ${q}: BF16 [1099511627776, 1099511627776] needs 2417851639229258349412352 bytes, data_offsets span 128 bytes`,
  ],
  [
    'negative size',
    entry(q, { shape: [-8, -8] }),
    `model.safetensors: tensor ${q}: shape must be a list of whole numbers below 2^53, found [-8, -8]`,
  ],
  [
    'offset beyond 2^53',
    raw((header) => ({ header: JSON.stringify(header).replace(/\d+\]\}\}$/, '9007199254740993]}}') })),
    `model.safetensors: tensor ${norm}: data_offsets must be two ascending whole numbers below 2^53, found [1440, 9007199254740993]`,
  ],
  [
    'descending offsets',
    entry(q, { data_offsets: [400, 272] }),
    `model.safetensors: tensor ${q}: data_offsets must be two ascending whole numbers below 2^53, found [400, 272]`,
  ],
  [
    'overlap',
    entry(q, { data_offsets: [270, 398] }),
    `model.safetensors: tensor ${q} begins at byte 1310 inside tensor model.layers.0.input_layernorm.weight, which ends at 1312`,
  ],
  [
    'hole',
    raw((header, data) => {
      header[norm]!.data_offsets = [1448, 1464]
      return { data: Buffer.concat([data, Buffer.alloc(8)]) }
    }),
    `model.safetensors: 8 bytes between tensor model.layers.0.mlp.down_proj.weight and tensor ${norm} belong to no tensor`,
  ],
  [
    'bytes after the last tensor',
    raw((_header, data) => ({ data: Buffer.concat([data, Buffer.alloc(3)]) })),
    `model.safetensors: 3 bytes after tensor ${norm} belong to no tensor`,
  ],
  [
    'floats at odd bytes',
    (c) => misalign(c),
    'model.safetensors: tensor model.embed_tokens.weight: begins at byte 1073, which is not a multiple of its 2-byte elements; save the file again with a current safetensors',
  ],
]

describe('a damaged safetensors file is refused', () => {
  it.each(table)('%s', async (_name, damage, message) =>
    expect(await refusalOf(damage)).toEqual([message, 65]),
  )
})
