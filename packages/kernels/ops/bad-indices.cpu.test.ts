import { expect, it } from 'vitest'
import type { OpSchema } from '../src/define-op.js'
import { Device } from '../src/index.js'
import { cacheDims } from '../src/op-cases.js'
import { OpRunner } from '../src/op-runner.js'
import { allReduce } from './all-reduce/all-reduce.op.js'
import { applyDeltas } from './apply-deltas/apply-deltas.op.js'
import { embed } from './embed/embed.op.js'
import { gatherRows } from './gather-rows/gather-rows.op.js'
import { gatherTokens } from './gather-tokens/gather-tokens.op.js'
import { kvWrite } from './kv-write/kv-write.op.js'
import { latentWrite } from './latent-write/latent-write.op.js'

type Inputs = Record<string, Int32Array | Float32Array>

async function run(
  schema: OpSchema,
  dims: Record<string, number>,
  inputs: Inputs,
  attributes: Record<string, number> = {},
) {
  using device = Device.open('cpu')
  using runner = new OpRunner(device)
  const given = { ...schema, makeInputs: () => inputs }
  return await runner.run(given, { name: 'test', dims, dtype: 'f32', attributes })
}

it('embed gives zeros for ids outside the vocabulary', async () => {
  const ids = Int32Array.of(-1, 1, 2, -2147483648)
  const weight = Float32Array.of(1, 2, 3, 4, 5, 6)
  const [y] = await run(embed, { tokens: 4, vocab: 2, dim: 3 }, { ids, weight })
  expect([...(y ?? [])]).toEqual([0, 0, 0, 4, 5, 6, 0, 0, 0, 0, 0, 0])
})

it('apply-deltas refuses records outside the state or the data', async () => {
  const dims = { maxDeltas: 1, maxWords: 4, words: 8 }
  const inputs = { numDeltas: Int32Array.of(1), data: new Int32Array(4), slots: new Int32Array(8) }
  for (const record of [
    [7, 2, 0],
    [-1, 1, 0],
    [0, 2, 3],
    [0, -1, 0],
    [2147483647, 2147483647, 0],
  ]) {
    const result = run(applyDeltas, dims, { ...inputs, deltas: Int32Array.from(record) })
    await expect(result).rejects.toThrow('apply-deltas: record 0 copies')
  }
  const many = { ...inputs, deltas: new Int32Array(3), numDeltas: Int32Array.of(2) }
  await expect(run(applyDeltas, dims, many)).rejects.toThrow('apply-deltas: 2 records, room for 1')
})

it('gather-rows and gather-tokens refuse rows that do not exist', async () => {
  const rows = { x: new Float32Array(6), index: Int32Array.of(3) }
  await expect(run(gatherRows, { tokens: 3, rows: 1, dim: 2 }, rows)).rejects.toThrow('asks for token 3 of 3')
  const tokens = {
    tokenSlot: Int32Array.of(1),
    positions: Int32Array.of(4),
    slotTokens: new Int32Array(8),
  }
  await expect(run(gatherTokens, { tokens: 1, slots: 2, length: 4 }, tokens)).rejects.toThrow(
    'slot 1 position 4',
  )
})

it('kv-write refuses positions without a page', async () => {
  const dims = { ...cacheDims(1, 1, 2, 0), tokens: 1, kvHeads: 1, headDim: 4 }
  const at = (position: number, page: number, slot = 0) =>
    run(kvWrite, dims, {
      tokenSlot: Int32Array.of(slot),
      positions: Int32Array.of(position),
      pageTable: Int32Array.of(0, page),
    })
  await expect(at(40, 1)).resolves.toHaveLength(1)
  await expect(at(40, 2)).rejects.toThrow('kv-write: slot 0 has no page for position 40')
  await expect(at(40, -1)).rejects.toThrow('no page for position 40')
  await expect(at(64, 1)).rejects.toThrow('no page for position 64')
  await expect(at(-1, 1)).rejects.toThrow('no page for position -1')
  await expect(at(0, 1, 1)).rejects.toThrow('slot 1 has no page')
})

it('latent-write refuses positions without a page and pages of another width', async () => {
  const sizes = { tokens: 1, rank: 4, ropeDim: 2, width: 6 }
  const at = (position: number, page: number, dims = sizes) =>
    run(
      latentWrite,
      { ...cacheDims(1, 1, 2, 0), ...dims },
      {
        tokenSlot: Int32Array.of(0),
        positions: Int32Array.of(position),
        pageTable: Int32Array.of(0, page),
      },
    )
  await expect(at(40, 1)).resolves.toHaveLength(1)
  await expect(at(40, 2)).rejects.toThrow('latent-write: slot 0 has no page for position 40')
  await expect(at(40, 1, { ...sizes, width: 8 })).rejects.toThrow('a f32 cache of width 8 for f32 rows of 6')
})

it('all-reduce over several ranks is refused with its reason', async () => {
  const result = run(allReduce, { rows: 1, dim: 1 }, { x: new Float32Array(1) }, { ranks: 2 })
  await expect(result).rejects.toThrow('the CPU backend runs one rank')
})
