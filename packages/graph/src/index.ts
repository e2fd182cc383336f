export { TrtllmError } from '@trtllm/kernels'
export { type CachePool, kvBytesPerToken, poolPageBytes } from './cache-layout.js'
export type { CacheContent, CacheFormat, CacheScales } from './cache-spec.js'
export { type CompiledPlan, type CompileOptions, compile, type PlanLimits } from './compile.js'
export { defineModel, type ModelDefinition } from './define-model.js'
export { Dim } from './dim.js'
export { type Extent, extentAt, type StepSizes } from './extent.js'
export { type Graph, paramsOf } from './graph.js'
export { instantiate, instantiatePart, type PlanBuffers } from './instantiate.js'
export { fixedBytes, type PlanMemory, tokensThatFit } from './memory.js'
export type { Mesh } from './mesh.js'
export { inputOf, type Node, outputOf } from './node.js'
export { nodeCost, type StepWork } from './node-cost.js'
export type { BufferBinding, UnboundOperand } from './operands.js'
export { compilePageCopies } from './page-copies.js'
export { Param, type ParamKind, type ParamSlice, type ParamSource } from './param.js'
export { passes } from './passes/index.js'
export type { Pass } from './passes/pass.js'
export { nullPlanDevice, type PlanDevice } from './plan-device.js'
export { printGraph } from './print-graph.js'
export { printPlan } from './print-plan.js'
export { findProbes, type Probe, probeBytes, probeNamed } from './probes.js'
export { type AttributesOf, type CallOptions, type InputsOf, Recorder, type ResultsOf } from './recorder.js'
export { type ParamRequest, Scope } from './scope.js'
export {
  pageTokens,
  type ResultSections,
  type SlabSections,
  type StateSection,
  type StateSections,
  type StepLayout,
  type StepLimits,
  stepLayout,
  type WordSection,
  wordsPerCopy,
  wordsPerDelta,
} from './step-layout.js'
export type { StepState, StepValues } from './step-values.js'
export { type TraceOptions, trace } from './trace.js'
export { columnsOf, flattened, partOfHeads, reshaped, Value, viewOf } from './value.js'
export { verifyGraph } from './verify.js'
export type { PlacedParam } from './weight-layout.js'
