import { fileURLToPath } from 'node:url'
import { stepLayout } from '@trtllm/graph'
import { Device, Plan } from '@trtllm/kernels'
import { expect, it } from 'vitest'
import type { CompiledModel } from '../src/compiled-model.js'
import { deltaCapacity } from '../src/scheduler/budget.js'
import { PlanExecutor } from '../src/step/plan-executor.js'

// A stand-in for CUDA that records steps.
process.env.TRTLLM_NATIVE_DIR = fileURLToPath(new URL('../../kernels/build/test', import.meta.url))

const most = 6
const sizes = { maxBatchSize: most, maxNumTokens: 16, pageTokens: 32, numPools: 1 }
const { maxDeltas, maxDeltaWords } = deltaCapacity(sizes)
const layout = stepLayout({
  ...{
    maxTokens: 16,
    maxRows: most,
    maxSeqs: most,
    numSlots: most,
    maxSeqLen: 64,
    pageTokens: 32,
    numPools: 1,
  },
  ...{ maxDeltas, maxDeltaWords },
})
const tokens = { constant: 0, tokens: 1, rows: 0, seqs: 0 }
const one = { constant: 1, tokens: 0, rows: 0, seqs: 0 }

/** results[t] = slots[t] + slots[t], in two kernels: a model as far as an executor of plans looks at it. */
function model(device: Device): CompiledModel {
  const operand = (space: 'slab' | 'arena' | 'result', offset: number) =>
    ({ space, offset, dtype: 'f32', layout: 'strided', shape: [tokens, one], strides: [] }) as const
  const plan = Plan.create(device, {
    limits: { tokens: 16, rows: most, seqs: most },
    arenaBytes: 256,
    operands: [operand('slab', 4 * layout.slab.positions.offset), operand('arena', 0), operand('result', 0)],
    nodes: [
      { op: 'add', operands: [0, 0, 1], attributes: [], label: 'twice' },
      { op: 'mul', operands: [1, 1, 2], attributes: [], label: 'square' },
    ],
  })
  return { device, plan, layout, pools: [], logitsOperand: -1 } as unknown as CompiledModel
}

it('every step of a recorded size is a replay after the warm-up', async () => {
  using device = Device.open('cuda')
  const warm = model(device)
  const executor = new PlanExecutor(warm, 2)
  await executor.warmUp()
  for (let count = 1; count <= most; count++)
    for (const ring of [0, 1]) {
      const before = device.counters().launches
      await new Promise<void>((resolve, reject) =>
        executor.submit({ ring, tokens: count, rows: count, seqs: count }, (error) =>
          error ? reject(error) : resolve(),
        ),
      )
      expect(device.counters().launches - before, `${count} sequences, entry ${ring}`).toBe(1)
    }
  executor.close()
  warm.plan.dispose()
})
