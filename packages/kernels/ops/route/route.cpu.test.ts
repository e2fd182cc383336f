import { describe, expect, it } from 'vitest'
import { orderedByExpert } from '../../src/expert-cases.js'
import { cpuIsa, Device } from '../../src/index.js'
import { OpRunner } from '../../src/op-runner.js'
import { caseOperands, namedRandom } from '../../src/parity-operands.js'
import { route } from './route.op.js'

interface Router {
  readonly chosen: number
  readonly scoring?: number
  readonly groups?: number
  readonly chosenGroups?: number
  readonly groupBest?: number
  readonly renormalize?: number
  readonly factor?: number
}

const attributesOf = (router: Router) => ({
  scoring: 0,
  groups: 1,
  chosenGroups: 1,
  groupBest: 1,
  renormalize: 0,
  factor: 1,
  ...router,
})

async function routed(isa: string, logits: readonly (readonly number[])[], router: Router, bias?: number[]) {
  using device = Device.open('cpu', { isa, threads: 2 })
  using runner = new OpRunner(device)
  const experts = logits[0]?.length ?? 0
  const opCase = {
    name: 'test',
    dims: { tokens: logits.length, experts, chosen: router.chosen },
    dtype: 'f32' as const,
    attributes: attributesOf(router),
    ...(bias ? {} : { without: ['bias'] }),
  }
  const values = { logits: Float32Array.from(logits.flat()), bias: Float32Array.from(bias ?? []) }
  const schema = { ...route, makeInputs: () => values }
  const results = await runner.run(schema, opCase, caseOperands(schema, opCase, false))
  const [chosen = [], weights = [], place = [], order = [], offsets = []] = results.map((part) => [...part])
  return { chosen, weights, place, order, offsets }
}

/** The definition in the plainest words, in f64. */
function expected(logits: readonly number[], router: Router, bias: readonly number[] = []) {
  const { chosen, scoring, groups, chosenGroups, groupBest, renormalize, factor } = attributesOf(router)
  const top = Math.max(...logits)
  const total = logits.reduce((sum, x) => sum + Math.exp(x - top), 0)
  const scores = logits.map((x) => (scoring ? 1 / (1 + Math.exp(-x)) : Math.exp(x - top) / total))
  const choice = scores.map((score, e) => score + (bias[e] ?? 0))
  const size = logits.length / groups
  const members = (group: number) => choice.slice(group * size, (group + 1) * size).sort((a, b) => b - a)
  const marks = Array.from({ length: groups }, (_, group) =>
    members(group)
      .slice(0, groupBest)
      .reduce((sum, x) => sum + x, 0),
  )
  const kept = marks.map((_, group) => group).sort((a, b) => marks[b]! - marks[a]!)
  const allowed = new Set(kept.slice(0, chosenGroups))
  const experts = choice
    .map((_, e) => e)
    .filter((e) => allowed.has(Math.floor(e / size)))
    .sort((a, b) => choice[b]! - choice[a]!)
    .slice(0, chosen)
  const sum = renormalize ? experts.reduce((all, e) => all + scores[e]!, 0) : 1
  return { experts, weights: experts.map((e) => (scores[e]! / sum) * factor) }
}

const routers: readonly [string, Router, boolean][] = [
  ['softmax', { chosen: 4 }, false],
  ['softmax over the chosen', { chosen: 4, renormalize: 1 }, false],
  ['sigmoid', { chosen: 1, scoring: 1 }, false],
  ['sigmoid with a bias', { chosen: 5, scoring: 1, renormalize: 1, factor: 2.5 }, true],
  [
    'the best two of a group',
    { chosen: 6, scoring: 1, groups: 8, chosenGroups: 3, groupBest: 2, renormalize: 1, factor: 2.5 },
    true,
  ],
  ['the best of a group', { chosen: 6, groups: 4, chosenGroups: 2, factor: 16 }, false],
]

describe.each(cpuIsa().all)('route on %s', (isa) => {
  it.each(routers)('chooses by %s', async (name, router, hasBias) => {
    const random = namedRandom(name)
    const logits = Array.from({ length: 40 }, () => Array.from({ length: 24 }, () => 8 * random() - 4))
    const bias = hasBias ? Array.from({ length: 24 }, () => random() - 0.5) : undefined
    const { chosen, weights, place, order, offsets } = await routed(isa, logits, router, bias)
    const wanted = logits.map((row) => expected(row, router, bias))
    expect(chosen).toEqual(wanted.flatMap(({ experts }) => experts))
    for (const [i, weight] of wanted.flatMap((token) => token.weights).entries()) {
      expect(weights[i]).toBeCloseTo(weight, 4)
    }
    const sorted = orderedByExpert(Int32Array.from(chosen), 24)
    expect(order).toEqual([...sorted.order])
    expect(place).toEqual([...sorted.place])
    expect(offsets).toEqual([...sorted.offsets])
  })

  it('lets a bias choose but not weigh', async () => {
    const { chosen, weights } = await routed(isa, [[0, 0, 1]], { chosen: 1, scoring: 1 }, [9, 0, 0])
    expect(chosen).toEqual([0])
    expect(weights[0]).toBeCloseTo(0.5, 6)
  })

  it('chooses the largest logit where every sigmoid is 1', async () => {
    const { chosen } = await routed(isa, [[60, 70, 80, 65]], { chosen: 2, scoring: 1 })
    expect(chosen).toEqual([2, 1])
  })

  it('takes equal ones by number, and something even of NaN and infinities', async () => {
    const { NaN: nan, NEGATIVE_INFINITY: low, POSITIVE_INFINITY: high } = Number
    const logits = [
      [1, 1, 1, 1],
      [low, low, low, low],
      [nan, nan, nan, nan],
      [nan, 2, nan, 3],
      [high, 0, high, 0],
    ]
    for (const scoring of [0, 1]) {
      const { chosen, order } = await routed(isa, logits, { chosen: 2, scoring, renormalize: 1 })
      expect(chosen).toEqual([0, 1, 0, 1, 0, 1, 3, 1, 0, 2])
      expect([...order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    }
    const grouped = await routed(isa, logits, { chosen: 2, scoring: 1, groups: 2 })
    expect(grouped.chosen.every((e) => e >= 0 && e < 4)).toBe(true)
  })

  it('refuses groups that do not divide the experts, and more experts than take part', async () => {
    await expect(routed(isa, [[1, 2, 3]], { chosen: 1, groups: 2 })).rejects.toThrow('in 1 of 2 groups')
    await expect(routed(isa, [[1, 2, 3, 4]], { chosen: 3, groups: 2 })).rejects.toThrow('3 of 4 experts')
  })
})
