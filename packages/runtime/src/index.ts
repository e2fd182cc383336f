export { exitCodeOf, TrtllmError } from '@trtllm/kernels'
export type { EventDiff, KvCacheEvent, KvCacheEventData, StoredBlock } from './cache/cache-events.js'
export type { PagePoolSpec } from './cache/page-pool.js'
export { defaultPriority, type RetentionConfig, type TokenRangeRetention } from './cache/retention.js'
export { type Clock, systemClock } from './clock.js'
export type { CompiledModel, EngineModel, ModelInfo } from './compiled-model.js'
export { type DeviceTimes, deviceTimesBetween, idleQuantile } from './device-times.js'
export { Engine } from './engine.js'
export { EngineClient, type EngineClientEvents, type OutputSink } from './engine-client.js'
export { type HostedEngine, type HostHooks, hostEngine } from './engine-host.js'
export type { EngineOptions } from './engine-options.js'
export { openEngine } from './open-engine.js'
export type { EngineCommand, EngineCommands, EngineMessage, Heartbeat } from './protocol.js'
export type {
  Answer,
  BeamRequest,
  ContextLogits,
  EngineRequest,
  Finish,
  Output,
  PromptLogprobs,
  SerializedError,
  TokenLogprobs,
  Usage,
} from './request.js'
export { type HostChoice, HostSampler, HostSampling } from './sampling/host-sampler.js'
export { endIdsOf } from './sampling/sampling-record.js'
export { type RequestBounds, validateRequest } from './sampling/validate-request.js'
export {
  type BatchWait,
  type CapacityPolicy,
  type ChunkingPolicy,
  defaultReserveTokens,
  deltaCapacity,
} from './scheduler/budget.js'
export { type PoolSizing, pagesOfPool } from './scheduler/pool-sizes.js'
export { deserializeError, serializeError } from './serialize-error.js'
export type {
  EngineCounters,
  EngineGauges,
  EngineStats,
  InflightBatchingStats,
  IterationStats,
  KvCacheStats,
  RequestTiming,
} from './stats.js'
export { PlanExecutor } from './step/plan-executor.js'
export type { StepCall, StepDone, StepExecutor } from './step/step-executor.js'
export { Supervisor, type SupervisorEvents, type SupervisorOptions } from './supervisor.js'
export { childProcessLink } from './transport/child-process-link.js'
export { parentPort } from './transport/parent-port.js'
export type { EngineExit, EngineLink, EnginePort } from './transport/port.js'
export { workerLink } from './transport/worker-link.js'
