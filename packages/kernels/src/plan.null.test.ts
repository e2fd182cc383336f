import { expect, it } from 'vitest'
import { Device, Plan, type PlanSpec, TrtllmError } from './index.js'
import { maxTokens, node, quadruple, rowDim, rowOperand, Stage } from './testing/row-plan.js'

it('counts launches, arena and workspace', async () => {
  using device = Device.open('null')
  {
    using stage = new Stage(device)
    using plan = Plan.create(device, quadruple)
    expect(plan.arenaBytes).toBe(quadruple.arenaBytes)
    expect(plan.explain()[1]).toEqual({ op: 'mul', kernel: 'mul.null', label: 'square' })
    await stage.run(0, [{ plan, tokens: 3, rows: 1, seqs: 1 }])
    expect(device.counters().launches).toBe(3)
    await stage.run(1, [{ plan, tokens: 0, rows: 0, seqs: 0 }])
    expect(device.counters().launches).toBe(3)
  }
  expect(device.counters()).toMatchObject({ liveBuffers: 0, liveBytes: 0 })
})

it('records no graph, and steps that ask for one run node by node', async () => {
  using device = Device.open('null')
  using stage = new Stage(device)
  using plan = Plan.create(device, quadruple)
  const sizes = { tokens: 1, rows: 1, seqs: 1 }
  expect(plan.capture(sizes)).toBe(false)
  await stage.run(0, [{ plan, ...sizes, captured: true }])
  expect(device.counters().launches).toBe(3)
})

it('runs a thousand nodes', async () => {
  using device = Device.open('null')
  using stage = new Stage(device)
  const nodes = Array.from({ length: 1000 }, () => node('add', [0, 0, 1]))
  using plan = Plan.create(device, { ...quadruple, nodes })
  for (let tokens = 1; tokens <= maxTokens; tokens++) {
    await stage.run(0, [{ plan, tokens, rows: 1, seqs: 1 }])
  }
  expect(device.counters().launches).toBe(1000 * maxTokens)
})

it('does not fit: the arena is part of what a device must have', () => {
  using device = Device.open('null', { memoryBytes: 100 })
  expect(() => Plan.create(device, quadruple)).toThrow(
    `plan arena: ${quadruple.arenaBytes} bytes asked for, 100 of 100 free`,
  )
})

const [slab, first] = quadruple.operands
const size = (constant: number, tokens: number) => ({ constant, tokens, rows: 0, seqs: 0 })
const withOperand = (i: number, operand: object): Partial<PlanSpec> => ({
  operands: quadruple.operands.map((old, j) => (i === j ? { ...old, ...operand } : old)),
})

it.each<[string, Partial<PlanSpec>, string]>([
  [
    'an operand beyond the arena',
    withOperand(1, { offset: 1024 - 256 }),
    'plan operand 1 ends at byte 1280 of the arena, which has 1024',
  ],
  [
    'a negative offset',
    withOperand(0, { offset: -4 }),
    'plan operand 0: senseless shape, strides or offset -4',
  ],
  [
    'an offset between elements',
    withOperand(0, { offset: 2 }),
    'plan operand 0: senseless shape, strides or offset 2',
  ],
  [
    'a shrinking size',
    withOperand(0, { shape: [size(9, -1), size(8, 0)] }),
    'plan operand 0: axis 0 may shrink with the step: expected coefficients >= 0',
  ],
  [
    'a huge size',
    withOperand(0, { shape: [size(2 ** 40, 0), size(2 ** 40, 0)] }),
    'plan operand 0: senseless shape, strides or offset 0',
  ],
  [
    'a negative stride',
    withOperand(0, { strides: [-8, 1] }),
    'plan operand 0: senseless shape, strides or offset 0',
  ],
  [
    'six axes',
    withOperand(0, { shape: Array(6).fill(size(1, 0)) }),
    'operand: expected 1 to 5 axes and as many strides or none',
  ],
  [
    'an unknown space',
    withOperand(0, { space: 'disk' }),
    "space 'disk': expected arena, buffer, slab or result",
  ],
  [
    'a packed tensor',
    withOperand(0, { layout: 'panel' }),
    'plan operand 0: panel layout is for matrices and stacks of them on devices that use it',
  ],
  ['an unknown op', { nodes: [node('conv', [0, 0, 1])] }, 'plan node 0 (conv, conv): no such op'],
  ['an absent operand', { nodes: [node('add', [0, -1, 1])] }, 'plan node 0 (add, add): y: no such operand'],
  [
    'an operand that is not there',
    { nodes: [node('add', [0, 9, 1])] },
    'plan node 0 (add, add): y: no such operand',
  ],
  ['too few operands', { nodes: [node('add', [0, 0])] }, 'plan node 0 (add, add): wrong number of operands'],
  [
    'a missing attribute',
    { nodes: [node('rms-norm', [0, 1, 2])] },
    'plan node 0 (rms-norm, rms-norm): wrong number of attributes',
  ],
  [
    'a vector for a matrix',
    { ...withOperand(1, { shape: [size(8, 0)] }), nodes: [node('add', [0, 1, 2])] },
    'plan node 0 (add, add): y: wrong number of axes',
  ],
  [
    'another element type',
    { ...withOperand(1, { dtype: 'bf16' }), nodes: [node('add', [0, 0, 1])] },
    'plan node 0 (add, add): z: wrong element type',
  ],
  [
    'other sizes',
    { ...withOperand(1, { shape: [size(0, 1), size(7, 0)] }), nodes: [node('add', [0, 1, 2])] },
    'plan node 0 (add, add): y: its size differs from that of an earlier operand',
  ],
])('refuses %s', (_, changes, message) => {
  using device = Device.open('null')
  let error: unknown
  try {
    Plan.create(device, { ...quadruple, ...changes } as PlanSpec)
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(TrtllmError)
  expect(error).toMatchObject({ code: 'internal', message })
  expect(device.counters().liveBytes).toBe(0)
})

it('refuses buffers of another device', () => {
  using device = Device.open('null')
  using other = Device.open('null')
  using buffer = other.allocate(maxTokens * rowDim * 4, 'foreign')
  expect(() =>
    Plan.create(device, {
      ...quadruple,
      operands: [rowOperand('buffer', 0, { buffer }), first!, first!, slab!],
    }),
  ).toThrow("plan operand 0: expected a buffer of the plan's device")
})

it.each<[string, object, string]>([
  [
    'more tokens than the plan takes',
    { tokens: 17 },
    'step of 17 tokens, 1 rows, 1 seqs: the plan takes up to 16, 4, 4',
  ],
  ['negative sizes', { rows: -1 }, 'step of 1 tokens, -1 rows, 1 seqs: the plan takes up to 16, 4, 4'],
  [
    'a probe without room',
    { probes: [{ operand: 1, into: new ArrayBuffer(31) }] },
    'probe of operand 1 needs 32 bytes, got room for 31',
  ],
  [
    'a probe of nothing',
    { probes: [{ operand: 99, into: new ArrayBuffer(31) }] },
    'operand 99 cannot be probed: no node uses it, it is packed',
  ],
  [
    'a probe of rows that there are not',
    { probes: [{ operand: 1, into: new ArrayBuffer(99), firstRow: 1, rows: 1 }] },
    'operand 1 cannot be probed: no node uses it, it is packed, it has no rows 1 and on',
  ],
  [
    'a late probe of memory that is used again',
    { probes: [{ operand: 2, into: new ArrayBuffer(99), late: true }] },
    'or its memory is used again before the end of the step',
  ],
])('a step with %s is refused, not queued', (_, changes, message) => {
  using device = Device.open('null')
  using stage = new Stage(device)
  using plan = Plan.create(device, quadruple)
  const item = { plan, tokens: 1, rows: 1, seqs: 1, ...changes }
  expect(() => stage.executor.submit(0, [item], () => {})).toThrow(message)
  expect(() => stage.executor.submit(4, [], () => {})).toThrow('step: ring entry 4 of 4')
  stage.executor.dispose()
  expect(device.counters().launches).toBe(0)
})
