import { Dim, inputOf, type Node, outputOf, Param, type Pass, type Value } from '@trtllm/graph'
import { ops } from '@trtllm/kernels'
import { paramOf, readersOf } from './linear-weights.js'
import type { WeightFormat } from './weight-format.js'

/**
 * Keeps the weights of linears in a format, each linear becoming the op that reads it. The head and routers stay as they
 * are: the head works on rows of logits, not on tokens, and the error of either would reach every choice undiminished.
 */
export function quantizeWeights(format: WeightFormat): Pass {
  return {
    name: `quantize-${format.name}`,
    run(graph) {
      const readers = readersOf(graph)
      const routed = new Set(graph.nodes.map((node) => node.op === ops.route && inputOf(node, 'logits')))
      const nodes = graph.nodes.map((node) =>
        isQuantizable(node, readers) && !routed.has(outputOf(node, 'y')) ? quantized(node, format) : node,
      )
      return { ...graph, nodes }
    },
  }
}

function isQuantizable(node: Node, readers: ReadonlyMap<Value | undefined, number>): boolean {
  if (node.op !== ops.linear || outputOf(node, 'y').shape[0]!.equals(Dim.symbol('rows'))) return false
  // A weight with other readers, a table of embeddings, say, is kept once, as they read it.
  return readers.get(inputOf(node, 'weight')) === 1
}

function quantized(node: Node, format: WeightFormat): Node {
  const { path, rows, columns, sources } = paramOf(inputOf(node, 'weight')!)
  const weight = new Param(path, 'matrix', format.dtype, rows, columns, sources)
  const scale = new Param(`${path}_scale`, 'scale', 'f32', rows, 1, [], undefined, path)
  const inputs = [inputOf(node, 'x'), weight.value, scale.value, inputOf(node, 'bias')]
  return { ...node, op: format.linear, inputs }
}
