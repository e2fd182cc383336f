import type { Graph } from '../graph.js'

/** A rewrite that keeps what a graph computes and lessens what a step costs. It sees no weights' data and no model. */
export interface Pass {
  readonly name: string
  readonly run: (graph: Graph) => Graph
}
