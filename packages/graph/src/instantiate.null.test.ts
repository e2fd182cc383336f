import { Device } from '@trtllm/kernels'
import { describe, expect, it } from 'vitest'
import { compile } from './compile.js'
import { instantiate } from './instantiate.js'
import { compilePageCopies } from './page-copies.js'
import { toyConfig, toyLimits, toyLlama } from './testing/toy-llama.js'
import { trace } from './trace.js'

const graph = trace(toyLlama, { ...toyConfig, oddWindow: 64 }, { dtype: 'bf16' })
const numPages = 4

describe('instantiate', () => {
  it('makes a native plan with the nodes and the arena of the compiled one', () => {
    using device = Device.open('null')
    const compiled = compile(graph, { limits: toyLimits, device })
    using weights = device.allocate(compiled.memory.weightsBytes, 'weights')
    using state = device.allocate(compiled.memory.stateBytes, 'slot state')
    const caches = compiled.pools.map(({ caches, pageBytes }) =>
      caches.map((path) => device.allocate(pageBytes * numPages, path)),
    )
    using plan = instantiate(compiled, { device, weights, caches, state })
    expect(plan.explain().map(({ op, label }) => ({ op, label }))).toEqual(
      compiled.nodes.map(({ op, label }) => ({ op, label })),
    )
    using copies = instantiate(compilePageCopies(compiled, device), { device, weights, caches, state })
    expect(copies.explain().map(({ label }) => label)).toEqual(
      compiled.pools.flatMap(({ caches }) => caches.map((path) => `${path}.copy`)).sort(),
    )
    expect(copies.arenaBytes).toBe(0)
    expect(plan.arenaBytes).toBeGreaterThanOrEqual(compiled.memory.arenaBytes)
    for (const buffer of caches.flat()) buffer[Symbol.dispose]()
  })

  it('names a buffer that is too small, and a cache that has none', () => {
    using device = Device.open('null')
    const compiled = compile(graph, { limits: toyLimits, device })
    using weights = device.allocate(compiled.memory.weightsBytes, 'weights')
    using state = device.allocate(compiled.memory.stateBytes, 'slot state')
    using small = device.allocate(256, 'weights')
    expect(() => instantiate(compiled, { device, weights: small, caches: [], state })).toThrow(
      `weights has 256 bytes, the plan needs ${compiled.memory.weightsBytes}`,
    )
    expect(() => instantiate(compiled, { device, weights, caches: [], state })).toThrow(
      'cache 0 of pool 0 has no buffer',
    )
  })
})
