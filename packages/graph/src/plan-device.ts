import { type DType, dtypeBytes } from '@trtllm/kernels'

/** What compiling has to know of a device; an opened `Device` is one. */
export interface PlanDevice {
  readonly kind: string
  /** How the device keeps weight matrices. */
  readonly matrixLayout: 'strided' | 'panel'
  /** Bytes of a weight matrix in that layout. */
  matrixBytes(dtype: DType, rows: number, columns: number): number
}

/** A device that keeps matrices row by row, for plans that are only looked at. */
export const nullPlanDevice: PlanDevice = {
  kind: 'null',
  matrixLayout: 'strided',
  matrixBytes: (dtype, rows, columns) => rows * columns * dtypeBytes[dtype],
}
