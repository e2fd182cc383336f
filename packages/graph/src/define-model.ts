import type { Scope } from './scope.js'
import type { StepValues } from './step-values.js'
import type { Value } from './value.js'

/**
 * A model: which checkpoints it is for, how it reads their config and its mathematics. `forward` is called once, at
 * load, with symbolic values, and returns the logits f32[rows, vocabulary].
 */
export interface ModelDefinition<Config, Source = unknown> {
  /** Values of `architectures` in config.json that it serves. */
  readonly architectures: readonly [string, ...string[]]
  readonly config: (source: Source) => Config
  readonly forward: (m: Scope, config: Config, step: StepValues) => Value
}

/** Declares a model; only types happen here. */
export function defineModel<Config, Source>(
  definition: ModelDefinition<Config, Source>,
): ModelDefinition<Config, Source> {
  return definition
}
