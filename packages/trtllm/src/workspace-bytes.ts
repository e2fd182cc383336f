import { type CompiledPlan, inputOf } from '@trtllm/graph'
import type { DeviceKind } from '@trtllm/kernels'

const mebibyte = 2 ** 20

/** Room that no model comes below. */
const leastBytes: Readonly<Record<DeviceKind, number>> = {
  cuda: 64 * mebibyte,
  cpu: 16 * mebibyte,
  null: 0,
}

/**
 * Bytes for what kernels need while they run: the most that one of them takes. It is known for certain only when the
 * native plan is made. On a GPU the largest are the counts of tokens that penalties are made from, a word a logit, and
 * the activations of a linear rounded to f8.
 */
export function workspaceBytes({ graph, params, limits }: CompiledPlan, kind: DeviceKind): number {
  if (kind !== 'cuda') return leastBytes[kind]
  const widths = params.filter(({ dtype }) => dtype === 'f8').map(({ columns }) => columns)
  const rounded = Math.max(0, ...widths) * limits.tokens
  const penalized = graph.nodes.filter(({ op }) => op.name === 'penalize')
  const counts = penalized.map((node) => 4 * limits.rows * inputOf(node, 'logits')!.rowWidth)
  return Math.max(leastBytes.cuda, rounded, ...counts)
}
