import { ops } from '@trtllm/kernels'
import type { WeightFormat } from './weight-format.js'

/** Whole numbers of -127..127 with a scale for each output: largest magnitude of the row / 127. Activations stay as they are. */
export const int8: WeightFormat = { name: 'int8', dtype: 'i8', linear: ops.linearI8 }
