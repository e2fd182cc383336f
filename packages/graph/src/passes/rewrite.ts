import type { Graph } from '../graph.js'
import type { Node } from '../node.js'
import { Value } from '../value.js'

/** What a pass wants changed. */
export class Rewrite {
  private readonly replacements = new Map<Node, readonly Node[]>()
  private readonly values = new Map<Value, Value>()
  private readonly resolved = new Map<Value, Value>()

  /** Puts `nodes` in the place of `node`; none removes it. */
  replace(node: Node, ...nodes: readonly Node[]): void {
    this.replacements.set(node, nodes)
  }

  /** Lets every reader of `old` read `value`, readers of views of it included. */
  redirect(old: Value, value: Value): void {
    this.values.set(old, value)
  }

  isReplaced(node: Node): boolean {
    return this.replacements.has(node)
  }

  apply(graph: Graph): Graph {
    if (this.replacements.size === 0) return graph
    const resolveAll = <Key>(map: ReadonlyMap<Key, Value>): Map<Key, Value> =>
      new Map([...map].map(([key, value]) => [key, this.resolve(value)]))
    return {
      ...graph,
      nodes: graph.nodes
        .flatMap((node) => this.replacements.get(node) ?? node)
        .map((node) => ({ ...node, inputs: node.inputs.map((input) => input && this.resolve(input)) })),
      outputs: resolveAll(graph.outputs),
      results: resolveAll(graph.results),
    }
  }

  private resolve(value: Value): Value {
    let result = this.resolved.get(value)
    if (!result) {
      const replacement = this.values.get(value)
      result = replacement ? this.resolve(replacement) : this.rebase(value)
      this.resolved.set(value, result)
    }
    return result
  }

  /** A part of a replaced value is the same part of its replacement. */
  private rebase(value: Value): Value {
    const { origin } = value
    if (origin.kind !== 'view' && origin.kind !== 'section') return value
    const of = this.resolve(origin.of)
    if (of === origin.of) return value
    return new Value(value.path, value.dtype, value.shape, { ...origin, of }, value.copies)
  }
}
