import type { PlacedParam } from '@trtllm/graph'
import { type Device, type Buffer as DeviceBuffer, type DType, dtypeBytes } from '@trtllm/kernels'
import { writeDerived } from './load-params.js'

/** Spread of made-up weights: the `initializer_range` of the Llama family. */
export const dummyStandardDeviation = 0.02

/** Spread of the stored numbers of made-up quantized weights: a sixth of what the type holds, so that few are cut off. */
const storedDeviations: Partial<Record<DType, number>> = { f8: 448 / 6, i8: 127 / 6 }

/**
 * Fills the weights buffer of a plan with made-up weights, for speed and memory trials without a checkpoint:
 * gaussian matrices, norm weights 1, biases 0. The same seed gives the same weights.
 */
export function dummyParams(
  params: readonly PlacedParam[],
  device: Device,
  buffer: DeviceBuffer,
  seed = 0,
): void {
  writeDerived(params, buffer)
  for (const [i, { kind, path, dtype, columns, offset, bytes, scaleOf, ...size }] of params.entries()) {
    const rows = size.rows * (size.matrices ?? 1)
    if (kind === 'derived') continue
    if (scaleOf !== undefined) {
      const { dtype: stored } = params.find((param) => param.path === scaleOf)!
      const values = new Float32Array(rows * columns).fill(dummyStandardDeviation / storedDeviations[stored]!)
      device.loadVector(buffer, { offset, dtype }, { values, rows, columns })
      continue
    }
    if (kind === 'vector') {
      const values = new Float32Array(rows * columns).fill(path.endsWith('.bias') ? 0 : 1)
      device.loadVector(buffer, { offset, dtype }, { values, rows, columns })
      continue
    }
    // A packed matrix is filled with its padding: whatever the layout, every element gets a value.
    const at = { offset, dtype, count: bytes / dtypeBytes[dtype] }
    device.fillGaussian(buffer, at, storedDeviations[dtype] ?? dummyStandardDeviation, seed * 1_000_003 + i)
  }
}
