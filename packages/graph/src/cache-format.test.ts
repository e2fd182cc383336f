import { expect, it } from 'vitest'
import { compile } from './compile.js'
import { compilePageCopies } from './page-copies.js'
import { nullPlanDevice } from './plan-device.js'
import { printGraph } from './print-graph.js'
import { printPlan } from './print-plan.js'
import { toyConfig, toyLimits, toyLlama } from './testing/toy-llama.js'
import { type TraceOptions, trace } from './trace.js'

const traced = (options: Partial<TraceOptions> = {}) =>
  trace(toyLlama, { ...toyConfig, oddWindow: 64 }, { dtype: 'bf16', ...options })
const scalesOf = (path: string) => (path.includes('.0.') ? { key: 0.5, value: 0.25 } : { key: 1, value: 1 })
const planOf = (options: Partial<TraceOptions>) =>
  compile(traced(options), { limits: toyLimits, device: nullPlanDevice })

/** A plan's text with caches in bf16 where it says f8, and without scales. */
const inBf16 = (text: string) =>
  text.replaceAll('f8[pages', 'bf16[pages').replaceAll(/ (key|value)Scale=[\d.]+/g, '')

it('a cache of f8 changes the caches of a plan and nothing else', () => {
  for (const disabledPasses of [[], ['all']]) {
    const text = printGraph(traced({ cache: { dtype: 'f8', scalesOf }, disabledPasses }))
    expect(text.match(/f8\[pages/g)).toHaveLength(2)
    expect(inBf16(text)).toBe(printGraph(traced({ disabledPasses })))
  }
})

it('scales reach what writes and what reads the cache of their attention, fused or not, and are shown unless 1', () => {
  for (const disabledPasses of [[], ['fuse-rope-kv-write'], ['all']]) {
    const lines = printGraph(traced({ cache: { dtype: 'f8', scalesOf }, disabledPasses })).split('\n')
    const scaled = lines.filter((line) => line.includes('keyScale=0.5 valueScale=0.25'))
    expect(scaled.map((line) => / = ([a-z-]+)\(/.exec(line)?.[1])).toEqual([
      disabledPasses.length === 0 ? 'rope-kv-write' : 'kv-write',
      'paged-attention',
    ])
    expect(lines.join('\n').match(/Scale=/g)).toHaveLength(4)
  }
  expect(printGraph(traced({ cache: { dtype: 'bf16', scalesOf } }))).not.toContain('Scale=')
})

it('takes half the bytes of bf16, told by the plan', () => {
  const [plain, small] = [planOf({}), planOf({ cache: { dtype: 'f8' } })]
  expect(small.memory.kvBytesPerToken).toBe(plain.memory.kvBytesPerToken / 2)
  expect(small.pools.map(({ dtype, pageBytes }) => [dtype, pageBytes])).toEqual([
    ['f8', 2048],
    ['f8', 2048],
  ])
  expect(printPlan(small)).toContain('1 caches of 2 heads x 16, window 64, f8, 2,048 bytes for 32 tokens')
  expect(printPlan(plain)).not.toContain('f8')
})

it('has its pages copied as they are', () => {
  const copies = compilePageCopies(planOf({ cache: { dtype: 'f8', scalesOf } }), nullPlanDevice)
  expect(printGraph(copies.graph)).toMatch(/copy-pages\(.*self_attn\.cache\) lane=0 -> f8\[pages,4,32,16\]/)
})
