import type { Graph, Node, Param, Value } from '@trtllm/graph'

/** A two-dimensional array, row by row. */
interface Matrix {
  readonly columns: number
  readonly data: Float64Array
}

/** The values of one tensor of a checkpoint, by name. */
export type TensorValues = (name: string, count: number) => Float32Array

/**
 * Computes a graph in f64 for one prompt that starts at position 0, op by op as the schemas define them, without
 * pages, slots or native code. The graph must have been traced on one rank with all passes off. Slow and plain on
 * purpose: it is what model functions are checked with before any kernel exists.
 * @returns the logits [tokens, vocabulary] of every position, row by row.
 */
export function referenceLogits(
  graph: Graph,
  promptIds: readonly number[],
  valuesOf: TensorValues,
  ropeVariant = 0,
): Matrix {
  return new ReferenceRun(promptIds, valuesOf, ropeVariant).run(graph)
}

class ReferenceRun {
  private readonly results = new Map<Value, Matrix>()
  /** Keys and values of each cache, by the value that stands for its new version. */
  private readonly caches = new Map<Value, { k: Matrix; v: Matrix; heads: number }>()

  constructor(
    private readonly ids: readonly number[],
    private readonly valuesOf: TensorValues,
    private readonly ropeVariant: number,
  ) {}

  run(graph: Graph): Matrix {
    const logits = graph.outputs.get('logits')!
    for (const node of graph.nodes) {
      this.compute(node)
      if (this.results.has(logits)) return this.results.get(logits)!
    }
    throw new Error('the graph ends before its logits')
  }

  private compute(node: Node): void {
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
        return void set(rmsNorm(this.matrix(a!), this.matrix(b!), attribute('eps')))
      case 'add':
        return void set(elementwise(this.matrix(a!), this.matrix(b!), (x, y) => x + y))
      case 'mul':
        return void set(elementwise(this.matrix(a!), this.matrix(b!), (x, y) => x * y))
      case 'silu':
        return void set(elementwise(this.matrix(a!), this.matrix(a!), (x) => x / (1 + Math.exp(-x))))
      case 'gather-rows':
        // Every position is wanted here.
        return void set(this.matrix(a!))
      case 'rope':
        return void set(this.rope(node, attribute))
      case 'kv-write':
        this.caches.set(outputs[0]!, { k: this.matrix(a!), v: this.matrix(b!), heads: sizeAt(a!, 1) })
        return
      case 'paged-attention':
        return void set(this.attention(node, attribute('scale'), attribute('window')))
      default:
        throw new Error(`the reference run has no ${op.name}; trace with all passes off`)
    }
  }

  private matrix(value: Value): Matrix {
    const { origin } = value
    if (origin.kind === 'view') return this.matrix(origin.of)
    if (origin.kind === 'param') return this.param(origin.param)
    const found = this.results.get(value)
    if (!found) throw new Error(`${value.path}: used before it was computed`)
    return found
  }

  private param({ values, sources, rows, columns }: Param): Matrix {
    if (values) return { columns, data: Float64Array.from(values) }
    const data = new Float64Array(rows * columns)
    for (const { name, rows: count, firstRow } of sources) {
      data.set(this.valuesOf(name, count * columns), firstRow * columns)
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
        const [first, second] = [x.data[at + i]!, x.data[at + i + half]!]
        data[at + i] = first * cos! - second * sin!
        data[at + i + half] = second * cos! + first * sin!
      }
    }
    return { columns: x.columns, data }
  }

  private attention({ inputs }: Node, scale: number, window: number): Matrix {
    const q = this.matrix(inputs[0]!)
    const { k, v, heads: kvHeads } = this.caches.get(inputs.at(-1)!)!
    const [heads, size] = [sizeAt(inputs[0]!, 1), sizeAt(inputs[0]!, 2)]
    const data = new Float64Array(q.data.length)
    for (let at = 0; at < data.length; at += size) {
      const position = Math.floor(at / q.columns)
      const kvHead = Math.floor(((at / size) % heads) / (heads / kvHeads))
      const first = window > 0 ? Math.max(0, position - window + 1) : 0
      const scores: number[] = []
      for (let key = first; key <= position; key++) {
        const from = key * k.columns + kvHead * size
        let dot = 0
        for (let i = 0; i < size; i++) dot += q.data[at + i]! * k.data[from + i]!
        scores.push(dot * scale)
      }
      const top = Math.max(...scores)
      const weights = scores.map((score) => Math.exp(score - top))
      const sum = weights.reduce((total, weight) => total + weight, 0)
      for (const [j, weight] of weights.entries()) {
        const from = (first + j) * v.columns + kvHead * size
        for (let i = 0; i < size; i++) data[at + i]! += (weight / sum) * v.data[from + i]!
      }
    }
    return { columns: q.columns, data }
  }
}

const sizeAt = (value: Value, axis: number): number => value.shape[axis]!.toConstant(value.path)

function linear(x: Matrix, weight: Matrix, bias: Matrix | undefined): Matrix {
  const columns = weight.data.length / weight.columns
  const data = new Float64Array((x.data.length / x.columns) * columns)
  for (let at = 0; at < data.length; at++) {
    const column = at % columns
    const [row, from] = [((at - column) / columns) * x.columns, column * weight.columns]
    let sum = bias?.data[column] ?? 0
    for (let i = 0; i < x.columns; i++) sum += x.data[row + i]! * weight.data[from + i]!
    data[at] = sum
  }
  return { columns, data }
}

function rmsNorm({ columns, data: x }: Matrix, weight: Matrix, eps: number): Matrix {
  const data = new Float64Array(x.length)
  for (let at = 0; at < x.length; at += columns) {
    const row = x.subarray(at, at + columns)
    const scale = 1 / Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / columns + eps)
    row.forEach((value, i) => {
      data[at + i] = value * scale * weight.data[i]!
    })
  }
  return { columns, data }
}

function elementwise(a: Matrix, b: Matrix, compute: (x: number, y: number) => number): Matrix {
  return { columns: a.columns, data: a.data.map((x, i) => compute(x, b.data[i]!)) }
}
