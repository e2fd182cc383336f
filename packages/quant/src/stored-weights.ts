import { type Graph, inputOf, type Node, Param, type ParamSource, type Pass, type Value } from '@trtllm/graph'
import { ops } from '@trtllm/kernels'
import { paramOf, readersOf } from './linear-weights.js'

/** What a checkpoint says of the weights that it keeps as f8 numbers and scales. */
export interface StoredScales {
  /** Rows and columns of a weight that share a scale; absent: each row has one, or the whole weight. */
  readonly block?: readonly [rows: number, columns: number]
  /** Whether that tensor is kept so. */
  readonly isStored: (tensorName: string) => boolean
}

/**
 * Reads the weights of linears as the checkpoint keeps them. A weight that has other readers too, of which only a part is
 * kept so, or whose parts begin inside a block of scales, is kept in the model's dtype instead: loading multiplies it out.
 */
export function readStoredWeights(stored: StoredScales): Pass {
  return {
    name: 'read-stored-weights',
    run(graph: Graph): Graph {
      const readers = readersOf(graph)
      const nodes = graph.nodes.map((node) =>
        isReadable(node, stored, readers) ? withScales(node, stored) : node,
      )
      return { ...graph, nodes }
    },
  }
}

function isReadable(
  node: Node,
  { block, isStored }: StoredScales,
  readers: ReadonlyMap<Value | undefined, number>,
): boolean {
  if (node.op !== ops.linear) return false
  const weight = inputOf(node, 'weight')!
  const { sources } = paramOf(weight)
  if (sources.length === 0 || readers.get(weight) !== 1) return false
  if (!sources.every(({ name }) => isStored(name))) return false
  return block === undefined || sources.every((source) => beginsABlock(source, block))
}

function beginsABlock({ firstRow, slice }: ParamSource, [rows, columns]: readonly [number, number]): boolean {
  const { firstRow: fromRow, firstColumn } = slice ?? { firstRow: 0, firstColumn: 0 }
  return firstRow % rows === 0 && fromRow % rows === 0 && firstColumn % columns === 0
}

function withScales(node: Node, { block }: StoredScales): Node {
  const { path, rows, columns, sources } = paramOf(inputOf(node, 'weight')!)
  const weight = new Param(path, 'matrix', 'f8', rows, columns, sources)
  const [kind, scaleRows, scaleColumns] = block
    ? (['grid', Math.ceil(rows / block[0]), Math.ceil(columns / block[1])] as const)
    : (['scale', rows, 1] as const)
  const scale = new Param(`${path}_scale`, kind, 'f32', scaleRows, scaleColumns, [], undefined, path)
  const inputs = [inputOf(node, 'x'), weight.value, scale.value, inputOf(node, 'bias')]
  return { ...node, op: block ? ops.linearF8Blocks : ops.linearF8, inputs }
}
