import { type HostedEngine, type HostHooks, openEngine } from '@trtllm/runtime'
import { loadModel } from './load-model.js'
import type { EngineConfig } from './load-options.js'
import { schedulingOf } from './runtime-options.js'

/** Loads the model that a start command describes and puts an engine on it. */
export async function loadEngine(
  config: unknown,
  { engineHooks, progress }: HostHooks,
): Promise<HostedEngine> {
  const { runtime = {} } = config as EngineConfig
  const model = await loadModel(config as EngineConfig, progress)
  try {
    const engine = await openEngine(model, { ...schedulingOf(runtime), ...engineHooks })
    return { engine, dispose: () => model[Symbol.dispose]() }
  } catch (error) {
    model[Symbol.dispose]()
    throw error
  }
}
