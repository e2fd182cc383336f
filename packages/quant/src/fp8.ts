import { ops } from '@trtllm/kernels'
import type { WeightFormat } from './weight-format.js'

/**
 * OCP e4m3 with a scale for each output, chosen while loading: largest magnitude of the row / 448. Where many rows go
 * through a linear, kernels round those too, each with a scale of its own, and multiply f8 by f8.
 */
export const fp8: WeightFormat = { name: 'fp8', dtype: 'f8', linear: ops.linearF8 }
