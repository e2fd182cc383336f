import {
  type Device,
  type DType,
  dtypeBytes,
  Executor,
  type FloatDType,
  type OperandSpec,
  Plan,
  StepRing,
} from '@trtllm/kernels'
import type { RooflineConstants } from './roofline.js'

/** Side of the square matrix product, and elements that a copy moves, by device. Both are far beyond any cache. */
const sizes = {
  cuda: { side: 8192, elements: 2 ** 29 },
  cpu: { side: 1024, elements: 2 ** 26 },
  null: { side: 64, elements: 2 ** 16 },
} as const

const repeats = 5

/**
 * Measures what the device can do: the rate of a large matrix product in `dtype` and in fp8 where asked for, and
 * that of reading and writing memory. The best of a few runs, with random values: zeros take less power.
 */
export async function measureRoofline(
  device: Device,
  dtype: FloatDType,
  withF8: boolean,
): Promise<RooflineConstants> {
  const { side, elements } = sizes[device.kind]
  const columns = 8192
  const copy = [
    matrix('x', dtype, elements / columns, columns),
    matrix('y', dtype, elements / columns, columns),
  ]
  const copySeconds = await time(device, 'scale', copy, [1])
  const square = (weight: DType) => [
    matrix('x', dtype, side, side),
    matrix('weight', weight, side, side),
    ...(weight === 'f8' ? [matrix('scale', 'f32', side, 0)] : []),
  ]
  const floatSeconds = await time(device, 'linear', [
    ...square(dtype),
    undefined,
    matrix('y', dtype, side, side),
  ])
  const f8Operands = [...square('f8'), undefined, matrix('y', dtype, side, side)]
  // Kernels may multiply fp8 weights as floats: then that is what the device can do.
  const f8Seconds = withF8
    ? Math.min(await time(device, 'linear-f8', f8Operands), floatSeconds)
    : floatSeconds
  return {
    copyBytesPerS: (2 * elements * dtypeBytes[dtype]) / copySeconds,
    floatFlopsPerS: (2 * side ** 3) / floatSeconds,
    f8FlopsPerS: (2 * side ** 3) / f8Seconds,
  }
}

interface Matrix {
  readonly name: string
  readonly dtype: DType
  readonly rows: number
  /** 0: a list of `rows` elements. */
  readonly columns: number
}

const matrix = (name: string, dtype: DType, rows: number, columns: number): Matrix => ({
  name,
  dtype,
  rows,
  columns,
})
const constant = (size: number) => ({ constant: size, tokens: 0, rows: 0, seqs: 0 })

/** Best seconds of one call of an op. Operands are in schema order. */
async function time(
  device: Device,
  op: string,
  operands: readonly (Matrix | undefined)[],
  attributes: readonly number[] = [],
): Promise<number> {
  using owned = new DisposableList()
  const specs = operands.filter((one) => one !== undefined).map((one) => operandSpec(device, one, owned))
  let next = 0
  const call = {
    op,
    operands: operands.map((one) => (one === undefined ? -1 : next++)),
    attributes: [...attributes],
    label: `roofline ${op}`,
  }
  const limits = { tokens: 1, rows: 1, seqs: 1 }
  // Several calls a step: the time of launching one is not what is asked for.
  const calls = device.kind === 'cuda' ? 8 : 1
  const nodes = Array.from({ length: calls }, () => call)
  const plan = owned.use(Plan.create(device, { limits, arenaBytes: 0, operands: specs, nodes }))
  const ring = owned.use(StepRing.create(device, { slabWords: 64, resultWords: 64, depth: 1 }))
  const executor = owned.use(Executor.create(device, ring))
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < repeats; run++) best = Math.min(best, await runOnce(executor, plan))
  return best / 1e6 / calls
}

const runOnce = (executor: Executor, plan: Plan): Promise<number> =>
  new Promise((resolve, reject) => {
    executor.submit(0, [{ plan, tokens: 1, rows: 1, seqs: 1 }], (error, microseconds) =>
      error ? reject(error) : resolve(microseconds),
    )
  })

function operandSpec(
  device: Device,
  { name, dtype, rows, columns }: Matrix,
  owned: DisposableList,
): OperandSpec {
  const isWeight = name === 'weight'
  const count = rows * Math.max(1, columns)
  const bytes = isWeight ? device.matrixBytes(dtype, rows, columns) : count * dtypeBytes[dtype]
  const buffer = owned.use(device.allocate(bytes, `roofline ${name}`))
  const deviation = dtype === 'f8' ? 75 : 0.02
  device.fillGaussian(buffer, { offset: 0, dtype, count: bytes / dtypeBytes[dtype] }, deviation, 1)
  return {
    space: 'buffer',
    buffer,
    offset: 0,
    dtype,
    layout: isWeight ? device.matrixLayout : 'strided',
    shape: columns === 0 ? [constant(rows)] : [constant(rows), constant(columns)],
    strides: [],
  }
}

/** Things that are given back together, last first. */
class DisposableList implements Disposable {
  readonly #all: Disposable[] = []

  use<T extends Disposable>(one: T): T {
    this.#all.push(one)
    return one
  }

  [Symbol.dispose](): void {
    for (const one of this.#all.splice(0).reverse()) one[Symbol.dispose]()
  }
}
