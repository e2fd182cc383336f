import type { CompiledModel } from './compiled-model.js'
import { Engine } from './engine.js'
import type { EngineOptions } from './engine-options.js'
import { PlanExecutor } from './step/plan-executor.js'

/**
 * An engine that runs a compiled model on its device, warm: steps that are recorded are. Closing the engine frees the
 * executor, not the model.
 */
export async function openEngine(model: CompiledModel, options: EngineOptions): Promise<Engine> {
  const executor = new PlanExecutor(model, options.maxInFlightSteps ?? 2)
  try {
    await executor.warmUp()
    return new Engine(model, executor, options)
  } catch (error) {
    executor.close()
    throw error
  }
}
