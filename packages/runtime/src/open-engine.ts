import type { CompiledModel } from './compiled-model.js'
import { Engine } from './engine.js'
import type { EngineOptions } from './engine-options.js'
import { PlanExecutor } from './step/plan-executor.js'

/** An engine that runs a compiled model on its device; closing the engine frees the executor, not the model. */
export function openEngine(model: CompiledModel, options: EngineOptions): Engine {
  return new Engine(model, new PlanExecutor(model, options.maxInFlightSteps ?? 2), options)
}
