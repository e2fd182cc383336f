import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { Device, Executor, Plan, StepRing, type TrtllmError } from './index.js'
import { gatherPlan, maxTokens, quadruple, rowDim, rowOperand, Stage } from './testing/row-plan.js'

const sizes = (tokens: number) => ({ tokens, rows: 1, seqs: 1 })
const count = (n: number) => Float32Array.from({ length: n * rowDim }, (_, i) => i)

it('reads the slab, runs the nodes, writes the results', async () => {
  using device = Device.open('cpu')
  using stage = new Stage(device)
  using plan = Plan.create(device, quadruple)
  expect(plan.explain().map(({ kernel }) => kernel)).toEqual(
    ['add', 'mul', 'add'].map((op) => expect.stringContaining(`${op}.isa_`)),
  )
  for (const tokens of [1, 3, maxTokens, 2]) {
    stage.slab(1).set(count(tokens))
    expect((await stage.run(1, [{ plan, ...sizes(tokens) }])).microseconds).toBeGreaterThan(0)
    expect(stage.results(1).subarray(0, tokens * rowDim)).toEqual(count(tokens).map((x) => 4 * x))
  }
})

it('completes steps in order, each with its own slab and results', async () => {
  using device = Device.open('cpu')
  using stage = new Stage(device, 8)
  using plan = Plan.create(device, quadruple)
  const order: number[] = []
  await new Promise<void>((resolve) => {
    for (let entry = 0; entry < 8; entry++) {
      stage.slab(entry).fill(entry + 1)
      stage.executor.submit(entry, [{ plan, ...sizes(maxTokens) }], (error) => {
        expect(error).toBeNull()
        expect(stage.results(entry)[0]).toBe(4 * (entry + 1))
        order.push(entry)
        if (order.length === 8) resolve()
      })
    }
    expect(order).toEqual([])
  })
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})

it('a failing step names the node; the steps around it are right', async () => {
  using device = Device.open('cpu')
  using stage = new Stage(device)
  using table = device.allocate(4 * rowDim * 4, 'table')
  table.write(count(4))
  using plan = gatherPlan(device, table, 4)
  const pick = (entry: number, ids: number[]) => {
    stage.ring.slab(entry).set(ids)
    return stage.run(entry, [{ plan, ...sizes(ids.length) }])
  }
  const [before, failed, after] = await Promise.allSettled([pick(0, [3, 0]), pick(1, [1, 7]), pick(2, [2])])
  expect(before.status).toBe('fulfilled')
  expect(failed).toMatchObject({
    reason: {
      code: 'internal',
      message: 'gather-rows (pick rows): gather-rows: row 1 asks for token 7 of 4',
    },
  })
  expect(after.status).toBe('fulfilled')
  expect(stage.results(0)[0]).toBe(3 * rowDim)
  expect(stage.results(2)[0]).toBe(2 * rowDim)
})

it('probes see an operand right after the node that made it, views without their gaps', async () => {
  using device = Device.open('cpu')
  using stage = new Stage(device)
  const dims = [
    { constant: 0, tokens: 1, rows: 0, seqs: 0 },
    { constant: 2, tokens: 0, rows: 0, seqs: 0 },
  ]
  // Operand 4 views columns 2 and 3 of operand 1, which the second add then overwrites.
  const view = rowOperand('arena', 8, { shape: dims, strides: [rowDim, 1] })
  const half = rowOperand('arena', quadruple.arenaBytes / 2 + 8, { shape: dims, strides: [rowDim, 1] })
  const nodes = [
    quadruple.nodes[0]!,
    { op: 'add', operands: [4, 4, 5], attributes: [], label: 'of a view' },
    { op: 'add', operands: [0, 1, 1], attributes: [], label: 'in place' },
  ]
  using plan = Plan.create(device, { ...quadruple, operands: [...quadruple.operands, view, half], nodes })
  stage.slab(0).set(count(3))
  const made = new Float32Array(6)
  const slab = new Float32Array(3 * rowDim)
  const probes = [
    { operand: 5, into: made.buffer },
    { operand: 0, into: slab.buffer },
  ]
  await stage.run(0, [{ plan, ...sizes(3), probes }])
  expect([...made]).toEqual([8, 12, 40, 44, 72, 76])
  expect(slab).toEqual(count(3))
})

it('late probes are taken at the end, and probes of rows take those rows alone', async () => {
  using device = Device.open('cpu')
  using stage = new Stage(device)
  const { operands } = quadruple
  // Operand 1 is doubled in place behind its first use: an early probe sees it before, a late one after.
  const nodes = [
    ...quadruple.nodes,
    { op: 'add', operands: [1, 1, 2], attributes: [], label: 'early' },
    { op: 'add', operands: [1, 1, 1], attributes: [], label: 'in place' },
  ]
  using plan = Plan.create(device, { ...quadruple, operands, nodes })
  const input = count(3)
  stage.slab(0).set(input)
  const [slab, early, late] = [0, 0, 0].map(() => new Float32Array(2 * rowDim))
  const probes = [
    { operand: 0, into: slab!.buffer, late: true, firstRow: 1, rows: 2 },
    { operand: 2, into: early!.buffer, firstRow: 1 },
    { operand: 1, into: late!.buffer, late: true, firstRow: 1, rows: 1 },
  ]
  await stage.run(0, [{ plan, ...sizes(3), captured: true, probes }])
  expect(slab).toEqual(input.slice(rowDim))
  expect(early).toEqual(input.slice(rowDim).map((value) => 4 * value))
  expect([...late!]).toEqual(
    [...input.subarray(rowDim, 2 * rowDim)].map((x) => 4 * x).concat(Array(rowDim).fill(0)),
  )
})

it('a program of several plans runs in order', async () => {
  using device = Device.open('cpu')
  using stage = new Stage(device)
  using plan = Plan.create(device, quadruple)
  using again = Plan.create(device, {
    ...quadruple,
    operands: quadruple.operands.map((o) => (o.space === 'slab' ? rowOperand('result', 0) : o)),
  })
  stage.slab(0).fill(1)
  const program = [plan, again].map((plan) => ({ plan, ...sizes(2) }))
  await stage.run(0, program)
  expect(stage.results(0)[0]).toBe(16)
})

it('dispose waits for submitted steps, whose completions still come', async () => {
  using device = Device.open('cpu')
  const stage = new Stage(device, 4)
  using plan = Plan.create(device, quadruple)
  const results = stage.ring.results(3)
  const done = [0, 1, 2, 3].map((entry) => {
    stage.slab(entry).fill(entry)
    return stage.run(entry, [{ plan, ...sizes(maxTokens) }])
  })
  const { executor, ring } = stage
  executor.dispose()
  expect(new Float32Array(results.buffer)[0]).toBe(12)
  await Promise.all(done)
  ring.dispose()
  expect(results.length).toBe(0)
  expect(() => executor.submit(0, [], () => {})).toThrow('executor is used after it was disposed of')
  expect(() => Executor.create(device, ring)).toThrow('step ring is used after it was disposed of')
})

it('a plan disposed of while its step runs stays until the step is done', async () => {
  using device = Device.open('cpu')
  using stage = new Stage(device)
  const live = device.counters().liveBytes
  for (let i = 0; i < 50; i++) {
    const plan = Plan.create(device, quadruple)
    stage.slab(0).fill(i)
    const done = stage.run(0, [{ plan, ...sizes(maxTokens) }])
    plan.dispose()
    await done
    expect(stage.results(0)[5]).toBe(4 * i)
  }
  await stage.run(0, [])
  expect(device.counters().liveBytes).toBe(live)
})

it('more threads than cores give the same bits, step after step', async () => {
  using device = Device.open('cpu', { threads: 9 })
  const dim = 40_000
  const shape = [
    { constant: 0, tokens: 1, rows: 0, seqs: 0 },
    { constant: dim, tokens: 0, rows: 0, seqs: 0 },
  ]
  using input = device.allocate(maxTokens * dim * 4, 'input')
  using output = device.allocate(maxTokens * dim * 4, 'output')
  device.fillGaussian(input, { offset: 0, dtype: 'f32', count: maxTokens * dim }, 1, 7)
  using plan = Plan.create(device, {
    ...quadruple,
    arenaBytes: 0,
    operands: [
      rowOperand('buffer', 0, { buffer: input, shape }),
      rowOperand('buffer', 0, { buffer: output, shape }),
    ],
    nodes: Array.from({ length: 20 }, (_, i) => ({
      op: 'silu',
      operands: [i === 0 ? 0 : 1, 1],
      attributes: [],
      label: `silu ${i}`,
    })),
  })
  using stage = new Stage(device)
  let expected: Float32Array | undefined
  for (let i = 0; i < 40; i++) {
    await stage.run(0, [{ plan, ...sizes(maxTokens) }])
    const values = new Float32Array(maxTokens * dim)
    output.read(values)
    expected ??= values
    expect(Buffer.compare(new Uint8Array(values.buffer), new Uint8Array(expected.buffer))).toBe(0)
  }
})

it('an exception in onDone is the process’s, not swallowed', async () => {
  using device = Device.open('cpu')
  using stage = new Stage(device)
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  try {
    const seen = new Promise<Error>((resolve) => process.once('uncaughtException', resolve))
    stage.executor.submit(0, [], () => {
      throw new Error('from onDone')
    })
    expect((await seen).message).toBe('from onDone')
  } finally {
    for (const listener of listeners) process.on('uncaughtException', listener)
  }
})

it('a thousand devices, rings, executors and plans leave nothing behind', async () => {
  for (let i = 0; i < 1000; i++) {
    using device = Device.open('cpu', { threads: 2 })
    {
      using stage = new Stage(device, 1)
      using plan = Plan.create(device, quadruple)
      if (i % 10 === 0) await stage.run(0, [{ plan, ...sizes(1) }])
    }
    expect(device.counters()).toMatchObject({ liveBuffers: 0, liveBytes: 0 })
  }
})

it('a ring of another device is refused', () => {
  using device = Device.open('cpu', { threads: 1 })
  using other = Device.open('cpu', { threads: 1 })
  using ring = StepRing.create(other, { slabWords: 1, resultWords: 1, depth: 1 })
  let error: unknown
  try {
    Executor.create(device, ring)
  } catch (thrown) {
    error = thrown
  }
  expect((error as TrtllmError).message).toBe('executor: the ring belongs to another device')
})

// The worker runs the built addon itself: it keeps steps under way all the time until it is ended.
const endlessSteps = `
const { parentPort, workerData } = require('node:worker_threads')
const native = require(workerData)
const device = native.openDevice('cpu', 0, 2, '', 0)
const ring = native.createRing(device, 1 << 20, 1 << 20, 4)
const size = (constant, tokens) => ({ constant, tokens, rows: 0, seqs: 0 })
const rows = (space) => ({ space, offset: 0, dtype: 'f32', layout: 'strided', strides: [], shape: [size(0, 1), size(1 << 16, 0)] })
const plan = native.createPlan(device, {
  limits: { tokens: 16, rows: 1, seqs: 1 }, arenaBytes: 1 << 22, operands: [rows('slab'), rows('result')],
  nodes: Array.from({ length: 50 }, () => ({ op: 'silu', operands: [0, 1], attributes: [], label: 'silu' })),
})
let ticket = 0
const submit = () => native.submit(executor, ticket++, ticket % 4,
  [{ plan, tokens: 16, rows: 1, seqs: 1, captured: false, probes: [[1, 0, -1, false]], probeBytes: [1 << 22] }])
const executor = native.createExecutor(device, ring, () => submit())
for (let i = 0; i < 4; i++) submit()
parentPort.postMessage('running')
`

it('a worker terminated in the middle of a step takes nothing else down', async () => {
  const addon = new URL('../build/Release/trtllm_kernels.node', import.meta.url).pathname
  for (let i = 0; i < 12; i++) {
    const worker = new Worker(endlessSteps, { eval: true, workerData: addon })
    const failed = new Promise((_, reject) => worker.once('error', reject))
    await Promise.race([new Promise((resolve) => worker.once('message', resolve)), failed])
    expect(await worker.terminate()).toBe(1)
  }
})
