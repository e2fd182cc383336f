import { type CompiledPlan, inputOf, type Node } from '@trtllm/graph'
import { dtypeBytes } from '@trtllm/kernels'

/** What a forward pass of a model costs at least. Bytes and floating point operations. */
export interface ModelWork {
  /** Weights of all linears but the last, read once a step. */
  readonly linearBytes: number
  /** Their operations for one token. */
  readonly linearFlops: number
  /** Whether they are multiplied in fp8. */
  readonly linearsAreF8: boolean
  readonly headBytes: number
  /** Operations of the last linear for one logits row. */
  readonly headFlops: number
  readonly kvBytesPerToken: number
  /** Operations of attention for one pair of a query and a key, all layers and heads. */
  readonly attentionFlops: number
  /** Whether they are done in fp8. */
  readonly attentionIsF8: boolean
}

/** Linears, those that make their rows themselves too; not those of experts. */
const linearNames = /^((add-rms-norm|silu-mul)-)?linear/

/** Reads the work of a model off its plan. Dense models: every weight is used by every token. */
export function modelWorkOf({ graph, memory }: CompiledPlan): ModelWork {
  const linears = graph.nodes.filter(({ op }) => linearNames.test(op.name))
  const attentions = graph.nodes.filter(({ op }) => op.name === 'paged-attention')
  const head = linears.slice(-1)
  const body = linears.slice(0, -1)
  return {
    linearBytes: sumOf(body, weightBytes),
    linearFlops: sumOf(body, rowFlops),
    linearsAreF8: body.some(productsAreF8),
    headBytes: sumOf(head, weightBytes),
    headFlops: sumOf(head, rowFlops),
    kvBytesPerToken: memory.kvBytesPerToken,
    attentionFlops: sumOf(attentions, (node) => 4 * (inputOf(node, 'q')?.rowWidth ?? 0)),
    attentionIsF8: attentions.some(productsAreF8),
  }
}

/** Whether a call multiplies what is kept in fp8, a weight or the keys and values of attention: then devices may do it in fp8. */
export function productsAreF8(node: Node): boolean {
  if (node.op.name === 'paged-attention') return inputOf(node, 'cache')!.dtype === 'f8'
  return node.inputs.some((value) => value?.origin.kind === 'param' && value.dtype === 'f8')
}

const sumOf = (nodes: readonly Node[], of: (node: Node) => number): number =>
  nodes.reduce((sum, node) => sum + of(node), 0)

const weightBytes = (node: Node): number => elements(node) * dtypeBytes[inputOf(node, 'weight')!.dtype]
const rowFlops = (node: Node): number => 2 * elements(node)

function elements(node: Node): number {
  const [rows, columns] = inputOf(node, 'weight')!.shape
  return rows!.toConstant(node.path) * columns!.toConstant(node.path)
}
