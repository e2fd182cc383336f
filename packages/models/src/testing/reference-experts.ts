import type { Matrix } from './reference-ops.js'

export interface RouteAttributes {
  readonly chosen: number
  readonly scoring: number
  readonly groups: number
  readonly chosenGroups: number
  readonly groupBest: number
  readonly renormalize: number
  readonly factor: number
}

/** The results of the op `route`, in order, as its schema defines them. */
export function routed(logits: Matrix, bias: Matrix | undefined, o: RouteAttributes): Matrix[] {
  const count = logits.columns
  const tokens = logits.data.length / count
  const size = tokens * o.chosen
  const [experts, weights, place] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)]
  for (let t = 0; t < tokens; t++) {
    const found = choose(logits.data.subarray(t * count, (t + 1) * count), bias, o)
    experts.set(found.experts, t * o.chosen)
    weights.set(found.weights, t * o.chosen)
  }
  const order = Array.from(experts, (_, pair) => pair).sort((a, b) => experts[a]! - experts[b]! || a - b)
  for (const [p, pair] of order.entries()) place[pair] = p
  const offsets = Array.from({ length: count + 1 }, (_, e) => experts.filter((expert) => expert < e).length)
  return [
    { columns: o.chosen, data: experts },
    { columns: o.chosen, data: weights },
    { columns: o.chosen, data: place },
    { columns: 1, data: Float64Array.from(order) },
    { columns: 1, data: Float64Array.from(offsets) },
  ]
}

function choose(logits: Float64Array, bias: Matrix | undefined, o: RouteAttributes) {
  const top = Math.max(...logits)
  const total = logits.reduce((sum, x) => sum + Math.exp(x - top), 0)
  const scores = Array.from(logits, (x) => (o.scoring ? 1 / (1 + Math.exp(-x)) : Math.exp(x - top) / total))
  const marks = scores.map((score, e) => score + (bias?.data[e] ?? 0))
  const choice = bias || o.groups > 1 ? marks : Array.from(logits)
  const bestFirst = (values: readonly number[]) => (a: number, b: number) => values[b]! - values[a]! || a - b
  const size = logits.length / o.groups
  const groupMarks = Array.from({ length: o.groups }, (_, g) =>
    marks
      .slice(g * size, (g + 1) * size)
      .sort((a, b) => b - a)
      .slice(0, o.groupBest)
      .reduce((sum, x) => sum + x, 0),
  )
  const groups = groupMarks
    .map((_, g) => g)
    .sort(bestFirst(groupMarks))
    .slice(0, o.chosenGroups)
  const experts = choice
    .map((_, e) => e)
    .filter((e) => o.groups === 1 || groups.includes(Math.floor(e / size)))
    .sort(bestFirst(choice))
    .slice(0, o.chosen)
  const sum = o.renormalize ? experts.reduce((all, e) => all + scores[e]!, 0) + 1e-20 : 1
  return { experts, weights: experts.map((e) => (scores[e]! / sum) * o.factor) }
}

/** The op `expert-linear` without a gate: what passes make is not what a model says. */
export function expertLinear(
  x: Matrix,
  weight: Matrix,
  order: Matrix,
  offsets: Matrix,
  { fanOut, bias, scale }: { fanOut: number; bias: Matrix | undefined; scale: Matrix | undefined },
): Matrix {
  const experts = offsets.data.length - 1
  const width = weight.data.length / weight.columns / experts
  const data = new Float64Array(order.data.length * width)
  let expert = 0
  for (const [p, pair] of order.data.entries()) {
    while (offsets.data[expert + 1]! <= p) expert++
    const row = (fanOut ? Math.floor(pair / fanOut) : p) * x.columns
    const factor = scale?.data[pair] ?? 1
    for (let n = 0; n < width; n++) {
      const from = (expert * width + n) * weight.columns
      let sum = 0
      for (let k = 0; k < x.columns; k++) sum += x.data[row + k]! * weight.data[from + k]!
      data[p * width + n] = factor * sum + (bias?.data[expert * width + n] ?? 0)
    }
  }
  return { columns: width, data }
}

export function combineExperts(x: Matrix, place: Matrix, weights: Matrix | undefined): Matrix {
  const { columns } = x
  const chosen = place.columns
  const data = new Float64Array((place.data.length / chosen) * columns)
  for (const [pair, p] of place.data.entries()) {
    const to = Math.floor(pair / chosen) * columns
    const factor = weights?.data[pair] ?? 1
    for (let i = 0; i < columns; i++) data[to + i]! += factor * x.data[p * columns + i]!
  }
  return { columns, data }
}
