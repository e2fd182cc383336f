import type { Graph } from './graph.js'
import type { Node } from './node.js'
import { rootOf, type Value } from './value.js'

/** Who makes and who reads each value, views counted as the value they are of. */
export class Uses {
  private readonly producers = new Map<Value, Node>()
  private readonly readers = new Map<Value, Node[]>()
  private readonly kept: ReadonlySet<Value>

  constructor(graph: Graph) {
    this.kept = new Set(
      [...graph.outputs.values(), ...graph.results.values()].map((value) => rootOf(value).root),
    )
    for (const node of graph.nodes) {
      for (const output of node.outputs) this.producers.set(output, node)
      for (const input of node.inputs) if (input) this.noteReader(rootOf(input).root, node)
    }
  }

  /** The node whose result `value` is or is a view of. */
  producerOf(value: Value | undefined): Node | undefined {
    return value && this.producers.get(rootOf(value).root)
  }

  /** Nodes that read `value` or a view of it, in order. */
  readersOf(value: Value): readonly Node[] {
    return this.readers.get(rootOf(value).root) ?? []
  }

  /** Whether `reader` is the only one to see `value`. */
  isOnlyReadBy(value: Value, reader: Node): boolean {
    const { root } = rootOf(value)
    const readers = this.readersOf(root)
    return !this.kept.has(root) && readers.length === 1 && readers[0] === reader
  }

  private noteReader(value: Value, node: Node): void {
    const readers = this.readers.get(value)
    if (!readers) this.readers.set(value, [node])
    else if (readers.at(-1) !== node) readers.push(node)
  }
}
