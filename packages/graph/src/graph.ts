import type { FloatDType } from '@trtllm/kernels'
import type { CacheSpec } from './cache-spec.js'
import type { Mesh } from './mesh.js'
import { inputOf, type Node } from './node.js'
import type { Param } from './param.js'
import type { ResultSections } from './step-layout.js'
import { rootOf, type Value } from './value.js'

/**
 * A traced model: calls in an order in which each finds its inputs ready. Passes make a new one; nothing in it is
 * changed.
 */
export interface Graph {
  /** What the model calls itself. */
  readonly name: string
  readonly dtype: FloatDType
  readonly mesh: Mesh
  readonly nodes: readonly Node[]
  readonly caches: readonly CacheSpec[]
  /** Values with a public name, `logits` among them. */
  readonly outputs: ReadonlyMap<string, Value>
  /** Values the host receives after each step. */
  readonly results: ReadonlyMap<keyof ResultSections, Value>
  /** Names of the passes it went through. */
  readonly passes: readonly string[]
}

/** Params the nodes use, in the order of first use. */
export function paramsOf({ nodes }: Graph): Param[] {
  const params = new Set<Param>()
  for (const node of nodes) {
    for (const input of node.inputs) {
      if (!input) continue
      const { origin } = rootOf(input).root
      if (origin.kind === 'param') params.add(origin.param)
    }
  }
  return [...params]
}

/** The value that `output` is a new version of, undefined where the op writes fresh storage. */
export function updatedBy(node: Node, output: Value): Value | undefined {
  const schema = Object.values(node.op.outputs)[node.outputs.indexOf(output)]
  return schema?.updates === undefined ? undefined : inputOf(node, schema.updates)
}
