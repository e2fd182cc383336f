export { routeScoring } from '../ops/route/route.op.js'
export { Buffer } from './buffer.js'
export * from './define-op.js'
export {
  type BlockScales,
  Device,
  type DeviceCounters,
  type DeviceInfo,
  type DeviceKind,
  type DeviceOptions,
  type MatrixPlace,
} from './device.js'
export {
  type CacheDType,
  type DType,
  dtypeBytes,
  dtypeCode,
  dtypes,
  type FloatDType,
  type QuantizedDType,
} from './dtype.js'
export {
  type ErrorCode,
  exitCodeOf,
  type LoadErrorCode,
  type RequestErrorCode,
  TrtllmError,
  type TrtllmErrorOptions,
} from './errors.js'
export { Executor, type ProgramItem, type StepDone, type StepProbe } from './executor.js'
export { type CudaStatus, cpuIsa, cudaStatus, type ListedDevice, listDevices } from './list-devices.js'
export { MappedFile } from './mapped-file.js'
export type { FileMatrix, MatrixSource, ValueMatrix } from './matrix-source.js'
export { computedSize } from './named-size.js'
export { opByName, ops } from './ops.generated.js'
export { type ParityRow, runParity } from './parity.js'
export { type DimExpr, type NodeSpec, type OperandSpec, Plan, type PlanSpec, type StepSizes } from './plan.js'
export { type RowBits, runRowBits } from './row-bits.js'
export {
  listCapacity,
  listWords,
  listWordsPerSlot,
  maxLogprobs,
  rowTasks,
  samplingWords,
  samplingWordsPerSlot,
} from './sampling-words.js'
export { StepRing, type StepRingOptions } from './step-ring.js'
