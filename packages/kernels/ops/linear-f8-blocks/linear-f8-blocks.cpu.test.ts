import { expect, it } from 'vitest'
import { cpuIsa, Device } from '../../src/index.js'
import { OpRunner } from '../../src/op-runner.js'
import { caseOperands } from '../../src/parity-operands.js'
import { linearF8Blocks } from './linear-f8-blocks.op.js'

it.each(cpuIsa().all)(
  'linear-f8-blocks scales each block of 128 x 128, those at the edges too, on %s',
  async (isa) => {
    using device = Device.open('cpu', { isa, threads: 2 })
    using runner = new OpRunner(device)
    for (const opCase of linearF8Blocks.cases.filter(({ dtype }) => dtype === 'f32')) {
      const made = caseOperands(linearF8Blocks, opCase, false)
      const valuesOf = (name: string) => made.operands.find((operand) => operand.name === name)?.values
      const { rows = 0, in: columns = 0, out = 0, inBlocks = 0 } = opCase.dims
      const [x, weight, scale] = [valuesOf('x')!, valuesOf('weight')!, valuesOf('weightScale')!]
      const bias = valuesOf('bias')
      const [y] = await runner.run(linearF8Blocks, opCase, made)
      for (let row = 0; row < rows; row++) {
        for (let o = 0; o < out; o++) {
          let sum = bias?.[o] ?? 0
          for (let k = 0; k < columns; k++) {
            const s = scale[Math.floor(o / 128) * inBlocks + Math.floor(k / 128)]!
            sum += x[row * columns + k]! * weight[o * columns + k]! * s
          }
          expect(Math.abs(y![row * out + o]! - sum), `${opCase.name} [${row}, ${o}]`).toBeLessThan(
            2e-5 * Math.max(1, Math.abs(sum)) + 2e-5,
          )
        }
      }
    }
  },
)

it('refuses scales of another number than one for each block', async () => {
  using device = Device.open('cpu')
  using runner = new OpRunner(device)
  const opCase = {
    name: 'wrong',
    dims: { rows: 1, in: 129, out: 128, outBlocks: 1, inBlocks: 1 },
    dtype: 'f32' as const,
  }
  await expect(
    runner.run(linearF8Blocks, opCase, caseOperands(linearF8Blocks, opCase, false)),
  ).rejects.toThrow(
    'linear-f8-blocks: [1, 1] scales for a weight of [128, 129], expected [1, 2]: one for each 128 x 128',
  )
})
