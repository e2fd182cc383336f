import { defineOp, f32, i32, like, optional, tensor, weight } from '../../src/define-op.js'
import { expertLinearCases, expertLinearCost, expertLinearInputs } from '../../src/expert-cases.js'

/*
 * Row p of the result belongs to place p of `order` (see the op `route`): expert e has rows offsets[e] to
 * offsets[e + 1] - 1, and the row's pair is order[p].
 * - With fanOut k > 0 a row of x serves k pairs: the row of place p is x[order[p] / k]. With 0 it is x[p].
 * - z = scale[order[p]] * (weight[e] * row) + bias[e], in f32; without scale it is 1.
 * - gate 0: y = z. Else the first half of z are gates g, the other half what they are for, u:
 *   1: silu(g) * u   2: gelu_tanh(g) * u   3: with g = min(g, limit), u = clamp(u, -limit, limit):
 *   g / (1 + exp(-alpha * g)) * (u + 1).
 */
export const expertLinear = defineOp({
  name: 'expert-linear',
  summary:
    'each row through the weight of its expert, accumulated in f32; perhaps gated before it is rounded',
  inputs: {
    x: tensor('rows', 'in'),
    weight: weight('experts', 'out', 'in'),
    order: i32('pairs'),
    offsets: i32('experts+1'),
    bias: optional(tensor('experts', 'out')),
    scale: optional(f32('tokens', 'chosen')),
  },
  outputs: { y: like('x', 'pairs', 'width') },
  attributes: { width: 'i32', fanOut: 'i32', gate: 'i32', limit: 'f32', alpha: 'f32' },
  cost: expertLinearCost,
  cases: expertLinearCases,
  tolerance: { f32: 2e-5, f16: 4e-3, bf16: 3e-2 },
  makeInputs: expertLinearInputs,
})
