import { ops } from '@trtllm/kernels'
import { attributeOf, inputOf, type Node, outputOf } from '../node.js'
import { Uses } from '../uses.js'
import type { Pass } from './pass.js'
import { Rewrite } from './rewrite.js'

/**
 * A norm of a sum, or silu(gate) * up, that one linear of f8 weights alone reads becomes one op with it: its kernels may
 * make the rows in f8 at once, as they are multiplied. Runs when weights have their format.
 */
export const fuseF8Producers: Pass = {
  name: 'fuse-f8-producers',
  run(graph) {
    const uses = new Uses(graph)
    const rewrite = new Rewrite()
    for (const linear of graph.nodes) {
      if (linear.op !== ops.linearF8) continue
      const x = inputOf(linear, 'x')!
      const producer = uses.producerOf(x)
      if (!producer || !producer.outputs.includes(x) || !uses.isOnlyReadBy(x, linear)) continue
      if (producer.op === ops.addRmsNorm && x === outputOf(producer, 'normed')) {
        // Where the sum is first needed; what else the linear reads is there from the start.
        rewrite.replace(producer, normed(producer, linear))
        rewrite.replace(linear)
      } else if (producer.op === ops.siluMul) {
        rewrite.replace(producer)
        rewrite.replace(linear, gated(producer, linear))
      }
    }
    return rewrite.apply(graph)
  },
}

const weightsOf = (linear: Node) => ['weight', 'weightScale', 'bias'].map((name) => inputOf(linear, name))

const normed = (norm: Node, linear: Node): Node => ({
  op: ops.addRmsNormLinearF8,
  path: linear.path,
  inputs: [...['x', 'y', 'weight'].map((name) => inputOf(norm, name)), ...weightsOf(linear)],
  outputs: [outputOf(norm, 'sum'), outputOf(linear, 'y')],
  attributes: [attributeOf(norm, 'eps')],
})

const gated = (product: Node, linear: Node): Node => ({
  op: ops.siluMulLinearF8,
  path: linear.path,
  inputs: [inputOf(product, 'gate'), inputOf(product, 'up'), ...weightsOf(linear)],
  outputs: linear.outputs,
  attributes: [],
})
