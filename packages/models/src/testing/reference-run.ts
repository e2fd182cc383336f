import { type Graph, inputOf, type Node, type Param, type ParamSource, type Value } from '@trtllm/graph'
import { combineExperts, expertLinear, type RouteAttributes, routed } from './reference-experts.js'
import { besideEachOther, columnsOf, elementwise, linear, type Matrix, map, norm } from './reference-ops.js'

/** The values of one tensor of a checkpoint, by name. */
export type TensorValues = (name: string, count: number) => Float32Array

/**
 * Computes a model in f64 for one prompt that starts at position 0, op by op as the schemas define them, without pages,
 * slots or native code. `graphs` are those of all ranks in order, traced with all passes off; they run in lockstep. Slow
 * and plain on purpose: it is what model functions are checked with before any kernel exists.
 * @returns the logits [tokens, vocabulary] of every position, row by row.
 */
export function referenceLogits(
  graphs: readonly Graph[],
  promptIds: readonly number[],
  valuesOf: TensorValues,
  ropeVariant = 0,
): Matrix {
  const ranks = graphs.map(() => new ReferenceRun(promptIds, valuesOf, ropeVariant))
  const logits = graphs[0]!.outputs.get('logits')!
  for (let i = 0; i < graphs[0]!.nodes.length; i++) {
    const nodes = graphs.map((graph) => graph.nodes[i]!)
    const together = { 'all-reduce': sumOf, 'all-gather': besideEachOther }[nodes[0]!.op.name]
    if (together) {
      const result = together(nodes.map((node, rank) => ranks[rank]!.matrix(node.inputs[0]!)))
      for (const [rank, node] of nodes.entries()) ranks[rank]!.results.set(node.outputs[0]!, result)
    } else {
      for (const [rank, node] of nodes.entries()) ranks[rank]!.compute(node)
    }
    const found = ranks[0]!.results.get(logits)
    if (found) return found
  }
  throw new Error('the graph ends before its logits')
}

const sumOf = ([first, ...others]: readonly Matrix[]): Matrix =>
  others.reduce((sum, part) => elementwise(sum, part, (x, y) => x + y), first!)

type ViewOrigin = Extract<Value['origin'], { readonly kind: 'view' }>

/** softmax(scale * q k^T) v of one head, a row a position. */
function causal(q: Matrix, k: Matrix, v: Matrix, scale: number): Matrix {
  const rows = q.data.length / q.columns
  const data = new Float64Array(rows * v.columns)
  for (let position = 0; position < rows; position++) {
    const scores = Array.from({ length: position + 1 }, (_, key) => {
      let dot = 0
      for (let i = 0; i < q.columns; i++)
        dot += q.data[position * q.columns + i]! * k.data[key * k.columns + i]!
      return dot * scale
    })
    const top = Math.max(...scores)
    const weights = scores.map((score) => Math.exp(score - top))
    const sum = weights.reduce((total, weight) => total + weight, 0)
    for (const [key, weight] of weights.entries()) {
      for (let i = 0; i < v.columns; i++)
        data[position * v.columns + i]! += (weight / sum) * v.data[key * v.columns + i]!
    }
  }
  return { columns: v.columns, data }
}

class ReferenceRun {
  readonly results = new Map<Value, Matrix>()
  /** Keys and values of each cache, by the value that stands for its new version. */
  private readonly caches = new Map<Value, { k: Matrix; v: Matrix; heads: number }>()

  constructor(
    private readonly ids: readonly number[],
    private readonly valuesOf: TensorValues,
    private readonly ropeVariant: number,
  ) {}

  compute(node: Node): void {
    const { op, inputs, outputs } = node
    const [a, b, c] = inputs
    const attribute = (name: string): number => node.attributes[Object.keys(op.attributes).indexOf(name)]!
    const set = (result: Matrix): unknown => this.results.set(outputs[0]!, result)
    switch (op.name) {
      case 'apply-deltas':
      case 'gather-tokens':
        return
      case 'embed':
        return void set(this.embed(this.matrix(b!)))
      case 'linear':
        return void set(linear(this.matrix(a!), this.matrix(b!), c && this.matrix(c)))
      case 'rms-norm':
      case 'layer-norm':
      case 'head-rms-norm':
      case 'head-layer-norm': {
        const width = sizeAt(a!, a!.shape.length - 1)
        const isCentred = op.name.endsWith('layer-norm')
        return void set(norm(this.matrix(a!), b && this.matrix(b), width, attribute('eps'), isCentred))
      }
      case 'add':
        return void set(elementwise(this.matrix(a!), this.matrix(b!), (x, y) => x + y))
      case 'mul':
        return void set(elementwise(this.matrix(a!), this.matrix(b!), (x, y) => x * y))
      case 'silu':
        return void set(map(this.matrix(a!), (x) => x / (1 + Math.exp(-x))))
      case 'gelu-tanh':
        return void set(map(this.matrix(a!), geluTanh))
      case 'scale':
        return void set(map(this.matrix(a!), (x) => x * attribute('factor')))
      case 'softcap':
        return void set(map(this.matrix(a!), (x) => attribute('cap') * Math.tanh(x / attribute('cap'))))
      case 'sigmoid':
        return void set(map(this.matrix(a!), (x) => 1 / (1 + Math.exp(-x))))
      case 'clamped-silu-mul': {
        const [limit, alpha] = [attribute('limit'), attribute('alpha')]
        const compute = (g: number, u: number): number => {
          const [gate, up] = [Math.min(g, limit), Math.max(-limit, Math.min(u, limit))]
          return (gate / (1 + Math.exp(-alpha * gate))) * (up + 1)
        }
        return void set(elementwise(this.matrix(a!), this.matrix(b!), compute))
      }
      case 'scale-rows': {
        const [x, { data: factors }] = [this.matrix(a!), this.matrix(b!)]
        const data = x.data.map((value, i) => value * factors[Math.floor(i / x.columns)]!)
        return void set({ columns: x.columns, data })
      }
      case 'position-temperature': {
        const [strength, stretch] = [attribute('strength'), attribute('stretch')]
        const at = (position: number): number =>
          1 + strength * Math.log1p(Math.floor((position + 1) / stretch))
        return void set({ columns: 1, data: Float64Array.from(this.ids, (_, position) => at(position)) })
      }
      case 'route': {
        const names = Object.keys(op.attributes)
        const attributes = Object.fromEntries(names.map((name) => [name, attribute(name)]))
        const parts = routed(this.matrix(a!), b && this.matrix(b), attributes as unknown as RouteAttributes)
        for (const [i, part] of parts.entries()) this.results.set(outputs[i]!, part)
        return
      }
      case 'expert-linear': {
        const of = (name: string): Matrix | undefined => {
          const value = inputOf(node, name)
          return value && this.matrix(value)
        }
        const [x, weight, order, offsets] = [of('x')!, of('weight')!, of('order')!, of('offsets')!]
        const options = { fanOut: attribute('fanOut'), bias: of('bias'), scale: of('scale') }
        return void set(expertLinear(x, weight, order, offsets, options))
      }
      case 'combine-experts':
        return void set(combineExperts(this.matrix(a!), this.matrix(b!), c && this.matrix(c)))
      case 'gather-rows':
        // Every position is wanted here.
        return void set(this.matrix(a!))
      case 'rope':
        return void set(this.rope(node, attribute))
      case 'kv-write':
        this.caches.set(outputs[0]!, { k: this.matrix(a!), v: this.matrix(b!), heads: sizeAt(a!, 1) })
        return
      case 'latent-write':
        this.caches.set(outputs[0]!, { k: this.matrix(a!), v: this.matrix(b!), heads: 1 })
        return
      case 'latent-attention':
        return void set(this.latentAttention(node, attribute))
      case 'paged-attention':
        return void set(this.attention(node, attribute))
      default:
        throw new Error(`the reference run has no ${op.name}; trace with all passes off`)
    }
  }

  matrix(value: Value): Matrix {
    const { origin } = value
    if (origin.kind === 'view') return viewed(this.matrix(origin.of), value, origin)
    if (origin.kind === 'param') return this.param(origin.param)
    const found = this.results.get(value)
    if (!found) throw new Error(`${value.path}: used before it was computed`)
    return found
  }

  /** Of a stack: the rows of all matrices. */
  private param({ values, sources, rows, columns, matrices = 1 }: Param): Matrix {
    if (values) return { columns, data: Float64Array.from(values) }
    const data = new Float64Array(matrices * rows * columns)
    for (const { matrix = 0, ...source } of sources) {
      const from = sourceValues(source, this.valuesOf)
      // Vectors of a param that has several are its rows.
      for (const [i, value] of from.entries()) data[(matrix * rows + source.firstRow) * columns + i] = value
    }
    return { columns, data }
  }

  private embed(table: Matrix): Matrix {
    const rows = this.ids.map((id) => table.data.subarray(id * table.columns, (id + 1) * table.columns))
    const data = new Float64Array(rows.length * table.columns)
    for (const [i, row] of rows.entries()) data.set(row, i * table.columns)
    return { columns: table.columns, data }
  }

  private rope({ inputs }: Node, attribute: (name: string) => number): Matrix {
    const x = this.matrix(inputs[0]!)
    const half = attribute('rotaryDim') / 2
    const [headDim, factor, length] = [
      sizeAt(inputs[0]!, 2),
      attribute('dynamicFactor'),
      attribute('dynamicLength'),
    ]
    const table = this.matrix(inputs[2]!).data.subarray(this.ropeVariant * half)
    const data = Float64Array.from(x.data)
    for (let at = 0; at < data.length; at += headDim) {
      const position = Math.floor(at / x.columns)
      const isLong = factor > 0 && position + 1 > length
      const stretch = (factor * (position + 1)) / length - (factor - 1)
      const base = attribute('base') * stretch ** (half / (half - 1))
      for (let i = 0; i < half; i++) {
        const angle = position * (isLong ? base ** (-i / half) : table[i]!)
        const [cos, sin] = [Math.cos(angle), Math.sin(angle)].map(
          (turn) => turn * attribute('attentionFactor'),
        )
        const [left, right] = attribute('interleaved')
          ? [at + 2 * i, at + 2 * i + 1]
          : [at + i, at + i + half]
        const [first, second] = [x.data[left]!, x.data[right]!]
        data[left] = first * cos! - second * sin!
        data[right] = second * cos! + first * sin!
      }
    }
    return { columns: x.columns, data }
  }

  /** With the keys and values of every head written out, which no kernel does. */
  private latentAttention(node: Node, attribute: (name: string) => number): Matrix {
    const [query, queryPe] = [inputOf(node, 'q')!, inputOf(node, 'qPe')!]
    const [q, qPe, weight] = [this.matrix(query), this.matrix(queryPe), this.matrix(inputOf(node, 'weight')!)]
    const { k: latent, v: pe } = this.caches.get(inputOf(node, 'cache')!)!
    const [heads, nope, value] = [sizeAt(query, 1), sizeAt(query, 2), attribute('valueDim')]
    const expanded = linear(latent, weight, undefined)
    const keyed = Array.from({ length: heads }, (_, head) => {
      const at = head * (nope + value)
      const k = besideEachOther([columnsOf(expanded, at, nope), pe])
      const v = columnsOf(expanded, at + nope, value)
      const own = [columnsOf(q, head * nope, nope), columnsOf(qPe, head * pe.columns, pe.columns)]
      return causal(besideEachOther(own), k, v, attribute('scale'))
    })
    return besideEachOther(keyed)
  }

  private attention(node: Node, attribute: (name: string) => number): Matrix {
    const query = inputOf(node, 'q')!
    const sinkValue = inputOf(node, 'sinks')
    const sinks = sinkValue && this.matrix(sinkValue)
    const [scale, window, softcap] = [attribute('scale'), attribute('window'), attribute('softcap')]
    const q = this.matrix(query)
    const { k, v, heads: kvHeads } = this.caches.get(inputOf(node, 'cache')!)!
    const [heads, size] = [sizeAt(query, 1), sizeAt(query, 2)]
    const data = new Float64Array(q.data.length)
    for (let at = 0; at < data.length; at += size) {
      const position = Math.floor(at / q.columns)
      const head = (at / size) % heads
      const kvHead = Math.floor(head / (heads / kvHeads))
      const first = window > 0 ? Math.max(0, position - window + 1) : 0
      const scores: number[] = []
      for (let key = first; key <= position; key++) {
        const from = key * k.columns + kvHead * size
        let dot = 0
        for (let i = 0; i < size; i++) dot += q.data[at + i]! * k.data[from + i]!
        const score = dot * scale
        scores.push(softcap > 0 ? softcap * Math.tanh(score / softcap) : score)
      }
      const sink = sinks ? sinks.data[head]! : Number.NEGATIVE_INFINITY
      const top = Math.max(...scores, sink)
      const weights = scores.map((score) => Math.exp(score - top))
      const sum = weights.reduce((total, weight) => total + weight, Math.exp(sink - top))
      for (const [j, weight] of weights.entries()) {
        const from = (first + j) * v.columns + kvHead * size
        for (let i = 0; i < size; i++) data[at + i]! += (weight / sum) * v.data[from + i]!
      }
    }
    return { columns: q.columns, data }
  }
}

/** Columns of a value, or of each of its heads. */
function viewed(of: Matrix, view: Value, { firstColumn, headStride }: ViewOrigin): Matrix {
  if (headStride === undefined) return columnsOf(of, firstColumn, view.rowWidth)
  const heads = Array.from({ length: sizeAt(view, 1) }, (_, head) =>
    columnsOf(of, head * headStride + firstColumn, sizeAt(view, 2)),
  )
  return besideEachOther(heads)
}

/** The part of a checkpoint tensor that a source takes, row by row. */
function sourceValues(
  { name, rows, columns, slice, plus = 0, stacked, turned }: ParamSource,
  valuesOf: TensorValues,
) {
  const all = valuesOf(name, (stacked?.of ?? 1) * rows * columns)
  const part = slice ?? { firstRow: 0, rows, firstColumn: 0, columns }
  const data = new Float64Array(part.rows * part.columns)
  for (const at of data.keys()) {
    const row = part.firstRow + Math.floor(at / part.columns) * (part.rowStep ?? 1)
    const column = part.firstColumn + (at % part.columns)
    data[at] =
      all[(stacked?.index ?? 0) * rows * columns + (turned ? column * rows + row : row * columns + column)]! +
      plus
  }
  return data
}

const geluTanh = (x: number): number =>
  (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))

const sizeAt = (value: Value, axis: number): number => value.shape[axis]!.toConstant(value.path)
