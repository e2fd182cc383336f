import { TrtllmError } from '@trtllm/kernels'
import type { Graph } from '../graph.js'
import { dropDead } from './drop-dead.js'
import { fuseF8Producers } from './fuse-f8-producers.js'
import { fuseGatedActivation } from './fuse-gated-activation.js'
import { fuseGatedExperts } from './fuse-gated-experts.js'
import { fuseHeadNorm } from './fuse-head-norm.js'
import { fuseLatentWrite } from './fuse-latent-write.js'
import { fusePostNorm } from './fuse-post-norm.js'
import { fuseResidualNorm } from './fuse-residual-norm.js'
import { fuseRopeKvWrite } from './fuse-rope-kv-write.js'
import { mergeSiblingLinears } from './merge-sibling-linears.js'
import type { Pass } from './pass.js'

/** Every pass over the model's own linears, in the order they run. */
export const passes: readonly Pass[] = [
  mergeSiblingLinears,
  fuseResidualNorm,
  fusePostNorm,
  fuseGatedActivation,
  fuseGatedExperts,
  fuseRopeKvWrite,
  fuseHeadNorm,
  fuseLatentWrite,
  dropDead,
]

/** Passes for when weights have the format that they are kept in. */
export const latePasses: readonly Pass[] = [fuseF8Producers]

/** Runs all of `list` but the `disabled` ones (`all`: none). Throws `bad_flag` on a name that no pass has. */
export function runPasses(graph: Graph, disabled: readonly string[] = [], list = passes): Graph {
  const names = [...passes, ...latePasses].map((pass) => pass.name)
  const unknown = disabled.find((name) => name !== 'all' && !names.includes(name))
  if (unknown !== undefined) {
    throw new TrtllmError('bad_flag', `no pass is called ${unknown}; there are ${names.join(', ')}, all`)
  }
  const enabled = disabled.includes('all') ? [] : list.filter((pass) => !disabled.includes(pass.name))
  return enabled.reduce((current, pass) => runPass(pass, current), graph)
}

/** The graph that a pass makes of another, and its name among the passes. */
export const runPass = (pass: Pass, graph: Graph): Graph => ({
  ...pass.run(graph),
  passes: [...graph.passes, pass.name],
})
