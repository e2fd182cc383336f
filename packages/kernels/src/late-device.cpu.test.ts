import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { cudaStatus, Device, Plan, type TrtllmError } from './index.js'
import { gatherPlan, maxTokens, node, quadruple, rowDim, Stage } from './testing/row-plan.js'

// test/late-device.cc stands in for CUDA: work is enqueued and done later, on threads of its own.
process.env.TRTLLM_NATIVE_DIR = fileURLToPath(new URL('../build/test', import.meta.url))

const sizes = (tokens: number) => ({ tokens, rows: 1, seqs: 1 })
const count = (n: number) => Float32Array.from({ length: n * rowDim }, (_, i) => i)

it('the stand-in is what runs', () => {
  expect(cudaStatus()).toMatchObject({ built: true, loaded: true, devices: 1 })
  using device = Device.open('cuda')
  expect(device.info().name).toBe('late device')
  expect(() => Device.open('cuda:1')).toThrow(expect.objectContaining({ code: 'device_unavailable' }))
})

it('completes in order with the results of each step', async () => {
  using device = Device.open('cuda')
  using stage = new Stage(device, 8)
  using plan = Plan.create(device, quadruple)
  const order: number[] = []
  const steps = Array.from({ length: 8 }, async (_, entry) => {
    stage.slab(entry).fill(entry + 1)
    await stage.run(entry, [{ plan, ...sizes(1 + entry) }])
    order.push(entry)
    expect(stage.results(entry)[0]).toBe(4 * (entry + 1))
  })
  await Promise.all(steps)
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})

it('a step is enqueued while the one before it runs', async () => {
  using device = Device.open('cuda')
  using stage = new Stage(device)
  using table = device.allocate(4 * rowDim * 4, 'table')
  table.write(count(4))
  using plan = gatherPlan(device, table, 4)
  stage.ring.slab(0).fill(1)
  stage.ring.slab(1).fill(2)
  const before = device.counters().launches
  const slow = stage.run(0, [{ plan, ...sizes(1) }])
  const next = stage.run(1, [{ plan, ...sizes(1) }])
  const slowTimes = await slow
  // Both kernels were launched by then; the second step's time is its own, and the device went from one to the other.
  expect(device.counters().launches - before).toBe(2)
  expect(slowTimes.microseconds).toBeGreaterThan(29_000)
  expect(slowTimes.idleMicroseconds).toBe(0)
  const nextTimes = await next
  expect(nextTimes.microseconds).toBeLessThan(20_000)
  expect(nextTimes.idleMicroseconds).toBeLessThan(20_000)
  expect(stage.results(0)[0]).toBe(rowDim)
  expect(stage.results(1)[0]).toBe(2 * rowDim)
})

it('a deterministic plan runs only kernels of fixed row bits', () => {
  using device = Device.open('cuda')
  const [twice] = quadruple.nodes
  const sum = { ...quadruple, nodes: [twice!] }
  using fast = Plan.create(device, sum)
  using deterministic = Plan.create(device, { ...sum, deterministic: true })
  expect([fast, deterministic].map((plan) => plan.explain()[0]!.kernel)).toEqual(['add.later', 'add.late'])
  expect(() => Plan.create(device, { ...quadruple, deterministic: true })).toThrow(
    'cuda has no deterministic kernel for this call of mul (square)',
  )
})

it('tells how long the device waited for a step, also after one that failed', async () => {
  using device = Device.open('cuda')
  using stage = new Stage(device)
  using other = new Stage(device)
  using table = device.allocate(4 * rowDim * 4, 'table')
  table.write(count(4))
  using plan = gatherPlan(device, table, 4)
  using broken = Plan.create(device, { ...quadruple, nodes: [node('silu', [0, 1], [], 'fails')] })
  for (const { ring } of [stage, other]) ring.slab(0).fill(1)
  stage.ring.slab(1).fill(2)
  const quick = () => stage.run(1, [{ plan, ...sizes(1) }])
  const pass30ms = () => other.run(0, [{ plan, ...sizes(1) }])
  for (let round = 0; round < 5; round++) {
    await quick()
    await pass30ms()
    expect((await quick()).idleMicroseconds).toBeGreaterThan(29_000)
    await expect(stage.run(2, [{ plan: broken, ...sizes(1) }])).rejects.toThrow('cannot be launched')
  }
})

it('a step that cannot be launched fails alone', async () => {
  using device = Device.open('cuda')
  using stage = new Stage(device)
  using plan = Plan.create(device, quadruple)
  using broken = Plan.create(device, {
    ...quadruple,
    nodes: [quadruple.nodes[0]!, node('silu', [1, 2], [], 'layer 3')],
  })
  stage.slab(2).fill(1)
  const results = await Promise.allSettled([
    stage.run(0, [{ plan, ...sizes(1) }]),
    stage.run(1, [{ plan: broken, ...sizes(1) }]),
    stage.run(2, [{ plan, ...sizes(1) }]),
  ])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  const { reason } = results[1] as PromiseRejectedResult
  expect(reason as TrtllmError).toMatchObject({
    code: 'engine_fault',
    exitCode: 70,
    message: 'silu (layer 3): this kernel cannot be launched',
  })
  expect(stage.results(2)[0]).toBe(4)
})

it('captured = interpreted, for every ring entry, also after a step of other sizes', async () => {
  using device = Device.open('cuda')
  using stage = new Stage(device)
  using plan = Plan.create(device, quadruple)
  expect(plan.capture(sizes(3))).toBe(true)
  for (let step = 0; step < 12; step++) {
    const entry = step % 4
    const tokens = step % 5 === 4 ? 2 : 3
    stage.slab(entry).fill(step)
    stage.results(entry).fill(-1)
    const launches = device.counters().launches
    await stage.run(entry, [{ plan, ...sizes(tokens), captured: true }])
    expect(stage.results(entry)[tokens * rowDim - 1]).toBe(4 * step)
    // The first run warms up, the second records and replays; a replay is one launch.
    const expected = tokens === 2 || step === 0 ? 3 : step === 1 ? 4 : 1
    expect(device.counters().launches - launches).toBe(expected)
  }
})

it('a recording serves the ring it was made for, another ring gets its own', async () => {
  using device = Device.open('cuda')
  using plan = Plan.create(device, quadruple)
  plan.capture(sizes(1))
  for (let i = 0; i < 3; i++) {
    using stage = new Stage(device)
    for (let step = 0; step < 3; step++) {
      stage.slab(0).fill(i + step)
      await stage.run(0, [{ plan, ...sizes(1), captured: true }])
      expect(stage.results(0)[0]).toBe(4 * (i + step))
    }
  }
})

it('probes are taken in the stream, and prevent a replay', async () => {
  using device = Device.open('cuda')
  using stage = new Stage(device)
  using plan = Plan.create(device, quadruple)
  plan.capture(sizes(2))
  stage.slab(0).set(count(2))
  for (let i = 0; i < 3; i++) {
    const squares = new Float32Array(2 * rowDim)
    const probes = [{ operand: 2, into: squares.buffer }]
    await stage.run(0, [{ plan, ...sizes(2), probes, captured: true }])
    expect(squares).toEqual(count(2).map((x) => 2 * x * x))
  }
})

it('dispose waits for steps in flight', async () => {
  using device = Device.open('cuda')
  const stage = new Stage(device)
  using plan = Plan.create(device, quadruple)
  const results = stage.ring.results(1)
  stage.slab(1).fill(5)
  const done = [0, 1].map((entry) => stage.run(entry, [{ plan, ...sizes(maxTokens) }]))
  stage.executor.dispose()
  expect(new Float32Array(results.buffer)[0]).toBe(20)
  await Promise.all(done)
  stage[Symbol.dispose]()
})

it('weights go through pinned blocks, converted, whatever their size', () => {
  using device = Device.open('cuda')
  const rows = 700
  const columns = 20_011
  using buffer = device.allocate(16 + rows * columns * 2, 'weights')
  const values = Float32Array.from({ length: rows * columns }, (_, i) => i % 1021)
  const place = { offset: 16, dtype: 'f16' as const, rows, columns, firstRow: 0 }
  device.loadMatrix(buffer, place, { values, rows, columns })
  const found = new Uint16Array(rows * columns)
  buffer.read(found, 16)
  const halfOf = new Map<number, number>()
  for (const [i, half] of found.entries()) {
    const value = values[i]!
    const known = halfOf.get(value)
    if (known === undefined) halfOf.set(value, half)
    else if (known !== half) throw new Error(`element ${i}: ${half} for ${value}, earlier ${known}`)
  }
  expect(halfOf.size).toBe(1021)
  expect(halfOf.get(1)).toBe(0x3c00)
  expect(halfOf.get(1020)).toBe(0x63f8)
})
