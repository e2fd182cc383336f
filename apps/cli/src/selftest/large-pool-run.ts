import {
  type CacheDType,
  type Device,
  type Buffer as DeviceBuffer,
  type DType,
  dtypeBytes,
  Executor,
  type OperandSpec,
  Plan,
  StepRing,
} from '@trtllm/kernels'

const [heads, kvHeads, headDim, pageTokens] = [8, 8, 128, 32]
export const pageElements = 2 * kvHeads * pageTokens * headDim
/** Tokens of the prompt; one more is decoded. */
const prompt = 97
const columns = Math.ceil((prompt + 1) / pageTokens)

/** What attention gives of a prompt, and of the token after it. */
export type LargePoolAnswers = readonly [Uint8Array, Uint8Array]

/**
 * Writes a prompt and one more token to a cache whose pages are the last of a pool of `pages`, in bf16 with keys and values
 * in `cacheDtype`, and attends over them. The inputs are always the same.
 */
export async function attendInPool(device: Device, cacheDtype: CacheDType, pages: number) {
  const buffers: DeviceBuffer[] = []
  const allocate = (bytes: number, label: string) => {
    const buffer = device.allocate(bytes, label)
    buffers.push(buffer)
    return buffer
  }
  const operand = (name: string, dtype: DType, shape: readonly number[]): OperandSpec => {
    const count = shape.reduce((product, size) => product * size, 1)
    const buffer = allocate(Math.max(4, count * dtypeBytes[dtype]), `large pool: ${name}`)
    const axes = shape.map((constant) => ({ constant, tokens: 0, rows: 0, seqs: 0 }))
    return { space: 'buffer', buffer, offset: 0, dtype, layout: 'strided', shape: axes, strides: [] }
  }
  try {
    const cache = operand('cache', cacheDtype, [pages, 2, kvHeads, pageTokens, headDim])
    const low = new Uint8Array(columns * pageElements * dtypeBytes[cacheDtype]).fill(0x3c)
    // Where an index of 32 bits would wrap around to.
    cache.buffer!.write(low)
    const table = operand('table', 'i32', [1, columns])
    table.buffer!.write(Int32Array.from({ length: columns }, (_, column) => pages - 1 - column))
    const answers: Uint8Array[] = []
    for (const [first, tokens] of [
      [0, prompt],
      [prompt, 1],
    ] as const) {
      const [q, k, v] = ['q', 'k', 'v'].map((name, i) => {
        const one = operand(name, 'bf16', [tokens, name === 'q' ? heads : kvHeads, headDim])
        const count = one.buffer!.bytes / dtypeBytes.bf16
        device.fillGaussian(one.buffer!, { offset: 0, dtype: 'bf16', count }, 1, 10 * first + i)
        return one
      }) as [OperandSpec, OperandSpec, OperandSpec]
      const words = (name: string, values: readonly number[]) => {
        const one = operand(name, 'i32', [values.length])
        one.buffer!.write(Int32Array.from(values))
        return one
      }
      const positions = Array.from({ length: tokens }, (_, token) => first + token)
      const operands = [
        ...[
          k,
          v,
          words(
            'token slots',
            positions.map(() => 0),
          ),
          words('positions', positions),
          table,
          cache,
        ],
        ...[q, words('slots', [0]), words('starts', [0, tokens]), words('contexts', [first + tokens])],
        operand('y', 'bf16', [tokens, heads, headDim]),
      ]
      await run(device, operands)
      const y = new Uint8Array(operands.at(-1)!.buffer!.bytes)
      operands.at(-1)!.buffer!.read(y)
      answers.push(y)
    }
    const after = new Uint8Array(low.length)
    cache.buffer!.read(after)
    return {
      answers: answers as unknown as LargePoolAnswers,
      lowIsUntouched: Buffer.compare(low, after) === 0,
    }
  } finally {
    for (const buffer of buffers.reverse()) buffer[Symbol.dispose]()
  }
}

/** Operands: k v slots positions table cache q seqSlot seqStart seqContext y. */
async function run(device: Device, operands: readonly OperandSpec[]): Promise<void> {
  using plan = Plan.create(device, {
    limits: { tokens: 1, rows: 1, seqs: 1 },
    arenaBytes: 0,
    operands,
    nodes: [
      { op: 'kv-write', operands: [0, 1, 2, 3, 4, 5, 5], attributes: [1, 1], label: 'large pool' },
      {
        op: 'paged-attention',
        operands: [6, 7, 8, 9, 4, 5, -1, 10],
        attributes: [headDim ** -0.5, 0, 0, 1, 1],
        label: 'large pool',
      },
    ],
  })
  using ring = StepRing.create(device, { slabWords: 64, resultWords: 64, depth: 1 })
  using executor = Executor.create(device, ring)
  await new Promise<void>((resolve, reject) =>
    executor.submit(0, [{ plan, tokens: 1, rows: 1, seqs: 1 }], (error) =>
      error ? reject(error) : resolve(),
    ),
  )
}
