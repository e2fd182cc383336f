import { defineOp, f32, like, optional, tensor } from '../../src/define-op.js'
import { eachFloat } from '../../src/op-cases.js'

export const layerNorm = defineOp({
  name: 'layer-norm',
  summary: 'y = (x - mean(x)) / sqrt(variance(x) + eps) * weight + bias, over the last axis',
  inputs: { x: tensor('rows', 'dim'), weight: f32('dim'), bias: optional(f32('dim')) },
  outputs: { y: like('x', 'rows', 'dim') },
  attributes: { eps: 'f32' },
  cost: ({ rows, dim }, size) => ({ bytes: 2 * rows! * dim! * size + 8 * dim!, flops: 8 * rows! * dim! }),
  cases: eachFloat([
    { name: '1x1', dims: { rows: 1, dim: 1 }, attributes: { eps: 1e-5 } },
    { name: '3x17', dims: { rows: 3, dim: 17 }, attributes: { eps: 1e-5 } },
    { name: '7x384 no bias', dims: { rows: 7, dim: 384 }, attributes: { eps: 1e-5 }, without: ['bias'] },
    { name: '5x1003 no bias', dims: { rows: 5, dim: 1003 }, attributes: { eps: 1e-5 }, without: ['bias'] },
    { name: '33x2048', dims: { rows: 33, dim: 2048 }, attributes: { eps: 1e-6 } },
    { name: '2x12288 no bias', dims: { rows: 2, dim: 12288 }, attributes: { eps: 1e-5 }, without: ['bias'] },
  ]),
  tolerance: { f32: 2e-5, f16: 2e-3, bf16: 1.6e-2 },
})
