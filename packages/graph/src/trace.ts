import { type FloatDType, TrtllmError } from '@trtllm/kernels'
import { appendSampling } from './append-sampling.js'
import type { CacheFormat } from './cache-spec.js'
import type { ModelDefinition } from './define-model.js'
import { Dim } from './dim.js'
import type { Graph } from './graph.js'
import { checkMesh, type Mesh } from './mesh.js'
import { latePasses, runPass, runPasses } from './passes/index.js'
import type { Pass } from './passes/pass.js'
import { Recorder } from './recorder.js'
import { Scope } from './scope.js'
import type { Value } from './value.js'
import { verifyGraph } from './verify.js'

export interface TraceOptions {
  /** Element type of weights and activations. */
  readonly dtype: FloatDType
  /** How keys and values are kept. Default: in `dtype`. */
  readonly cache?: CacheFormat
  /** Default: one rank. */
  readonly mesh?: Mesh
  /** Keeps weights in another format; runs after the passes that see linears as the model wrote them. */
  readonly quantization?: Pass
  /** Passes to leave out, by name; `all` leaves out every one. */
  readonly disabledPasses?: readonly string[]
  /** What plan texts call the model. Default: the first architecture. */
  readonly name?: string
}

/**
 * Calls the model's forward function once, adds what samples its logits, and runs the passes. Throws a sentence that
 * names the path where the model asks for something impossible.
 */
export function trace<Config>(
  model: Pick<ModelDefinition<Config, never>, 'architectures' | 'forward'>,
  config: Config,
  options: TraceOptions,
): Graph {
  const { dtype, mesh = { size: 1, rank: 0 }, disabledPasses = [], name = model.architectures[0] } = options
  const { quantization, cache } = options
  checkMesh(mesh)
  const recorder = new Recorder(dtype, mesh, cache)
  const logits = model.forward(new Scope('', recorder), config, recorder.step)
  checkLogits(name, logits)
  const results = appendSampling(recorder, logits)
  const graph: Graph = {
    name,
    dtype,
    mesh,
    nodes: recorder.nodes,
    caches: recorder.caches.specs,
    outputs: new Map([['logits', logits]]),
    results,
    passes: [],
  }
  const optimized = runPasses(graph, disabledPasses)
  const final = quantization
    ? runPasses(runPass(quantization, optimized), disabledPasses, latePasses)
    : optimized
  verifyGraph(final)
  return final
}

function checkLogits(name: string, logits: Value): void {
  const isLogits = logits.dtype === 'f32' && logits.shape.length === 2
  if (isLogits && logits.shape[0]?.equals(Dim.symbol('rows'))) return
  throw new TrtllmError(
    'invalid_type',
    `${name}: forward returns ${logits}, expected logits f32[rows,vocabulary]: end it with lmHead of gathered rows`,
  )
}
