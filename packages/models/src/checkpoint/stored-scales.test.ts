import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ModelConfig } from '../model-config.js'
import type { StoredWeights } from '../stored-weights.js'
import { type TensorToWrite, writeSafetensors } from '../testing/write-safetensors.js'
import { Checkpoint } from './open-checkpoint.js'
import { readSafetensorsHeader } from './safetensors-header.js'
import { gridOf, readScales, rowScalesOf } from './stored-scales.js'

const floats = (values: readonly number[], shape: readonly number[]): TensorToWrite => ({
  dtype: 'F32',
  shape,
  data: new Uint8Array(Float32Array.from(values).buffer),
})

const storedAs = (block?: readonly [number, number]): StoredWeights => ({
  method: 'test fp8',
  ...(block && { block }),
  scaleName: (weight) => `${weight}_scale`,
  isStored: () => true,
  kvCacheIsF8: false,
})

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'stored-scales-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

/** Reads the scales of a weight of [200, 264] that are written as `scale`. */
function scalesOf(stored: StoredWeights, scale?: TensorToWrite) {
  const file = join(directory, 'model.safetensors')
  writeSafetensors(file, {
    w: { dtype: 'F8_E4M3', shape: [200, 264] },
    ...(scale && { w_scale: scale }),
  })
  const tensors = new Map(readSafetensorsHeader(file).map((tensor) => [tensor.name, tensor]))
  using checkpoint = new Checkpoint(directory, {} as ModelConfig, tensors)
  return readScales(checkpoint, stored, tensors.get('w')!)
}

describe('scales of a stored weight', () => {
  it.each([[[]], [[1]]])('of shape %j are for all of it', (shape) => {
    const scales = scalesOf(storedAs(), floats([0.5], shape))
    expect(scales).toMatchObject({ rows: 1, columns: 1, blockRows: 200, blockColumns: 264 })
    const part = { ...scales, firstRow: 100, firstColumn: 0 }
    expect([...rowScalesOf(part, { rows: 2, columns: 264 }).values]).toEqual([0.5, 0.5])
  })

  it.each([[[200]], [[200, 1]]])('of shape %j are for its rows', (shape) => {
    const rows = Array.from({ length: 200 }, (_, row) => row)
    const scales = scalesOf(storedAs(), floats(rows, shape))
    expect(scales).toMatchObject({ rows: 200, columns: 1, blockRows: 1, blockColumns: 264 })
    const part = { ...scales, firstRow: 100, firstColumn: 0 }
    expect([...rowScalesOf(part, { rows: 3, columns: 264 }).values]).toEqual([100, 101, 102])
  })

  it('are for blocks, those at the edges too', () => {
    const scales = scalesOf(storedAs([128, 128]), floats([1, 2, 3, 4, 5, 6], [2, 3]))
    expect(scales).toMatchObject({ rows: 2, columns: 3, blockRows: 128, blockColumns: 128 })
    const part = { ...scales, firstRow: 0, firstColumn: 128 }
    expect(gridOf(part, { rows: 200, columns: 136 })).toEqual({
      values: Float32Array.of(2, 3, 5, 6),
      rows: 2,
      columns: 2,
    })
  })

  it.each<[string, TensorToWrite | undefined, StoredWeights, string]>([
    [
      'missing',
      undefined,
      storedAs(),
      'tensor w_scale is missing; w is stored as test fp8 and needs its scales',
    ],
    [
      'for other rows',
      floats([1, 2], [2]),
      storedAs(),
      'tensor w_scale: expected shape [] or [1] or [200] or [200, 1] for a weight of [200, 264], found [2]',
    ],
    [
      'for other blocks',
      floats([1, 2], [2, 1]),
      storedAs([128, 128]),
      'tensor w_scale: expected shape [2, 3] for a weight of [200, 264], found [2, 1]',
    ],
    [
      'no numbers',
      { dtype: 'U8', shape: [1] },
      storedAs(),
      'tensor w_scale: expected dtype F32, F16 or BF16, found U8',
    ],
  ])('that are %s are refused by name', (_what, scale, stored, words) => {
    expect(() => scalesOf(stored, scale)).toThrow(words)
  })
})
