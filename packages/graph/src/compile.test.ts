import { opByName } from '@trtllm/kernels'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CompiledPlan, compile } from './compile.js'
import { extentAt } from './extent.js'
import { lifetimesOf } from './liveness.js'
import type { UnboundOperand } from './operands.js'
import { nullPlanDevice, type PlanDevice } from './plan-device.js'
import { toyConfig, toyLimits, toyLlama } from './testing/toy-llama.js'
import { trace } from './trace.js'

const panelDevice: PlanDevice = {
  kind: 'cpu',
  matrixLayout: 'panel',
  matrixBytes: (_dtype, rows, columns) => Math.ceil(rows / 16) * 16 * columns * 2,
}
const twoHeads = { kind: 'heads', kvHeads: 2, headDim: 16 }
const graph = trace(toyLlama, { ...toyConfig, oddWindow: 64 }, { dtype: 'bf16' })
const plan = compile(graph, { limits: toyLimits, device: panelDevice })

/** The operand called `name` of the first node of that op. */
function operandOf({ nodes, operands }: CompiledPlan, op: string, name: string): UnboundOperand {
  const node = nodes.find((candidate) => candidate.op === op)!
  const schema = opByName(op)!
  const names = [...Object.keys(schema.inputs), ...Object.keys(schema.outputs)]
  return operands[node.operands[names.indexOf(name)]!]!
}

describe('operands of a compiled plan', () => {
  it('are views where siblings were merged: an offset, and strides of the whole', () => {
    const whole = operandOf(plan, 'linear', 'y')
    const v = operandOf(plan, 'rope-kv-write', 'v')
    expect(whole).toMatchObject({ space: 'arena', strides: [] })
    expect(v).toMatchObject({ space: 'arena', offset: whole.offset + 96 * 2, strides: [128, 16, 1] })
    expect(v.shape.map(({ tokens, constant }) => [tokens, constant])).toEqual([
      [1, 0],
      [0, 2],
      [0, 16],
    ])
  })

  it('lie in their section of slab, results and slot state', () => {
    const { slab, result, state } = plan.layout
    expect(operandOf(plan, 'gather-tokens', 'positions')).toMatchObject({
      space: 'slab',
      offset: slab.positions.offset * 4,
    })
    expect(operandOf(plan, 'logprobs', 'topIds')).toMatchObject({
      space: 'result',
      offset: result.topIds.offset * 4,
    })
    expect(operandOf(plan, 'sample', 'sampling')).toMatchObject({
      space: 'buffer',
      buffer: { kind: 'state' },
      offset: state.sampling.offset * 4,
    })
    const tables = plan.nodes.filter(({ op }) => op === 'paged-attention').map(({ operands }) => operands[4]!)
    expect(tables.map((index) => plan.operands[index]!.offset)).toEqual(
      state.pageTable.map(({ offset }) => offset * 4),
    )
  })

  it('share storage where an op updates its input', () => {
    const [before, after] = ['slotTokens', 'cache'].map((name) => {
      const op = name === 'cache' ? 'rope-kv-write' : 'sample'
      const node = plan.nodes.find((candidate) => candidate.op === op)!
      const names = Object.keys(opByName(op)!.inputs)
      const output = Object.keys(opByName(op)!.outputs).indexOf(name)
      return [node.operands[names.indexOf(name)]!, node.operands[names.length + output]!].map(
        (index) => plan.operands[index]!,
      )
    })
    for (const [input, output] of [before!, after!]) expect(output).toEqual(input)
  })

  it('say which buffer they wait for', () => {
    expect(operandOf(plan, 'paged-attention', 'cache').buffer).toEqual({ kind: 'cache', pool: 0, index: 0 })
    expect(operandOf(plan, 'linear', 'weight')).toMatchObject({
      buffer: { kind: 'weights' },
      layout: 'panel',
    })
    expect(operandOf(plan, 'rms-norm', 'weight').layout).toBe('strided')
  })

  it('are absent where an optional input is', () => {
    const linear = plan.nodes.find(({ op }) => op === 'linear')!
    expect(linear.operands[2]).toBe(-1)
  })

  it('have sizes of the step only in the first axis', () => {
    for (const { shape } of plan.operands) {
      for (const { tokens, rows, seqs } of shape.slice(1)) expect(tokens + rows + seqs).toBe(0)
    }
  })
})

describe('the arena of a plan', () => {
  it('keeps values apart that are alive together, with and without passes', () => {
    const size = fc.integer({ min: 1, max: 300 })
    fc.assert(
      fc.property(size, size, fc.boolean(), (maxTokens, maxRows, fused) => {
        const disabledPasses = fused ? [] : ['all']
        const traced = trace(toyLlama, toyConfig, { dtype: 'f32', disabledPasses })
        const compiled = compile(traced, {
          limits: { ...toyLimits, maxTokens, maxRows },
          device: nullPlanDevice,
        })
        const spans = [...lifetimesOf(traced)].map(([value, { extent, first, last }]) => {
          const { offset } = compiled.operands[compiled.operandOf(value)!]!
          return { first, last, offset, end: offset + extentAt(extent, compiled.limits) }
        })
        for (const [i, a] of spans.entries()) {
          expect(a.end).toBeLessThanOrEqual(compiled.memory.arenaBytes)
          for (const b of spans.slice(i + 1)) {
            const together = a.first <= b.last && b.first <= a.last
            if (together) expect(a.end <= b.offset || b.end <= a.offset).toBe(true)
          }
        }
      }),
      { numRuns: 20 },
    )
  })
})

describe('weights of a plan', () => {
  it('lie behind each other, aligned, matrices as large as the device says', () => {
    let end = 0
    for (const { offset, bytes, kind, rows, columns } of plan.params) {
      expect(offset % 256).toBe(0)
      expect(offset).toBeGreaterThanOrEqual(end)
      if (kind === 'matrix') expect(bytes).toBe(panelDevice.matrixBytes('bf16', rows, columns))
      end = offset + bytes
    }
    expect(plan.memory.weightsBytes).toBeGreaterThanOrEqual(end)
  })

  it('have the content of derived params', () => {
    const derived = plan.params.find(({ kind }) => kind === 'derived')!
    expect(derived).toMatchObject({ path: 'rope.inverse_frequencies', dtype: 'f32', rows: 1, columns: 8 })
    expect(derived.values?.[0]).toBe(1)
  })
})

it('has a pool for each kind of cache', () => {
  expect(plan.pools).toEqual([
    {
      content: twoHeads,
      dtype: 'bf16',
      window: 0,
      caches: ['model.layers.0.self_attn'],
      pageBytes: 4096,
    },
    {
      content: twoHeads,
      dtype: 'bf16',
      window: 64,
      caches: ['model.layers.1.self_attn'],
      pageBytes: 4096,
    },
  ])
  expect(plan.layout.limits.numPools).toBe(2)
  expect(() => compile(graph, { limits: { ...toyLimits, numPools: 1 }, device: nullPlanDevice })).toThrow(
    "numPools is 1, the model's attentions need 2",
  )
})
