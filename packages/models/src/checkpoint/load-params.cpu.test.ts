import { rmSync } from 'node:fs'
import { compile, type PlacedParam, trace } from '@trtllm/graph'
import { type Buffer, Device } from '@trtllm/kernels'
import { describe, expect, it } from 'vitest'
import { goldenValuesOf, writeGoldenCheckpoint } from '../testing/golden-checkpoint.js'
import type { TensorValues } from '../testing/reference-run.js'
import { dummyParams } from './dummy-params.js'
import { loadParams } from './load-params.js'
import { openCheckpoint } from './open-checkpoint.js'

const limits = {
  maxTokens: 8,
  maxRows: 8,
  maxSeqs: 1,
  numSlots: 1,
  maxSeqLen: 64,
  maxDeltas: 1,
  maxDeltaWords: 1,
}

/** The param's part of its checkpoint tensors, row by row. */
function expected({ rows: numRows, columns, sources }: PlacedParam, valuesOf: TensorValues): Float32Array {
  const data = new Float32Array(numRows * columns)
  for (const source of sources) {
    const { plus = 0 } = source
    const whole = valuesOf(source.name, source.rows * source.columns).map((value) => value + plus)
    const { rows, columns: width } = source
    const { firstRow, firstColumn, ...part } = source.slice ?? {
      firstRow: 0,
      firstColumn: 0,
      rows,
      columns: width,
    }
    for (let row = 0; row < part.rows; row++) {
      const from = (firstRow + row) * source.columns + firstColumn
      data.set(whole.subarray(from, from + part.columns), (source.firstRow + row) * columns)
    }
  }
  return data
}

/** What the device keeps, row by row; f32 panels are [rows / 16][columns][16]. */
function stored(
  { kind, rows, columns, offset, bytes }: PlacedParam,
  buffer: Buffer,
  isPanel: boolean,
): Float32Array {
  const raw = new Float32Array(bytes / 4)
  buffer.read(raw, offset)
  if (kind !== 'matrix' || !isPanel) return raw
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns]
    return raw[(Math.floor(row / 16) * columns + column) * 16 + (row % 16)]!
  })
}

describe('loadParams', () => {
  it.each([
    ['llama/attention-bias', 1, 0],
    ['llama/gqa', 2, 1],
    ['llama/mqa', 2, 1],
    ['llama/tied-head', 2, 0],
    ['llama/head-dim', 1, 0],
    ['phi3/plain', 2, 1],
    ['gemma2/no-caps', 2, 1],
    ['gemma3/conditional', 1, 0],
    ['cohere/qk-norm', 2, 1],
    ['olmo2/gqa', 2, 0],
    ['llama/fp8-modelopt', 2, 1],
    ['llama/fp8-channel', 2, 1],
    ['llama/fp8-blocks', 2, 1],
    ['qwen3/fp8-blocks', 2, 0],
    ['qwen3/fp8-blocks', 4, 3],
  ])('%s, %i ranks, rank %i: every param holds its part of the checkpoint', async (variant, size, rank) => {
    const directory = writeGoldenCheckpoint(variant)
    const valuesOf = goldenValuesOf(variant)
    try {
      using device = Device.open('cpu')
      using checkpoint = await openCheckpoint(directory)
      const { definition, config } = checkpoint.model
      const graph = trace(definition, config, { dtype: 'f32', mesh: { size, rank } })
      const { params, memory } = compile(graph, { limits, device })
      using buffer = device.allocate(memory.weightsBytes, 'weights')
      const seen: number[] = []
      const unused = await loadParams(checkpoint, params, device, buffer, (done, total) =>
        seen.push(done / total),
      )
      // Only the first rank adds what all of them would.
      expect(unused.filter((name) => rank === 0 || !name.endsWith('o_proj.bias'))).toEqual([])
      expect(seen.at(-1)).toBe(1)
      for (const param of params.filter(({ kind }) => kind !== 'derived')) {
        // f8 keeps -0; adding 0 makes it 0.
        const found = stored(param, buffer, device.matrixLayout === 'panel').map((value) => value + 0)
        expect(found, param.path).toEqual(expected(param, valuesOf))
      }
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

describe('dummyParams', () => {
  it('makes norms of ones and small gaussian matrices, the same for the same seed', async () => {
    const directory = writeGoldenCheckpoint('llama/attention-bias')
    try {
      using device = Device.open('cpu')
      using checkpoint = await openCheckpoint(directory)
      const { definition, config } = checkpoint.model
      const { params, memory } = compile(trace(definition, config, { dtype: 'f32' }), { limits, device })
      using first = device.allocate(memory.weightsBytes, 'weights')
      using second = device.allocate(memory.weightsBytes, 'weights')
      first.fill(0)
      second.fill(0)
      dummyParams(params, device, first)
      dummyParams(params, device, second)
      const bytesOf = (buffer: Buffer): Uint8Array => {
        const bytes = new Uint8Array(memory.weightsBytes)
        buffer.read(bytes)
        return bytes
      }
      expect(bytesOf(first)).toEqual(bytesOf(second))
      for (const param of params.filter(({ kind }) => kind !== 'derived')) {
        const values = stored(param, first, device.matrixLayout === 'panel')
        if (param.kind === 'vector') {
          expect(new Set(values)).toEqual(new Set([param.path.endsWith('.bias') ? 0 : 1]))
          continue
        }
        const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length
        expect(Math.sqrt(variance)).toBeGreaterThan(0.018)
        expect(Math.sqrt(variance)).toBeLessThan(0.022)
      }
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})
