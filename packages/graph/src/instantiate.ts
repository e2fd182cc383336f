import { type Buffer, type Device, type NodeSpec, type OperandSpec, Plan, TrtllmError } from '@trtllm/kernels'
import type { CompiledPlan } from './compile.js'
import type { BufferBinding, UnboundOperand } from './operands.js'

/** The memory a plan works in. The owner disposes of it after the plan. */
export interface PlanBuffers {
  readonly device: Device
  /** `memory.weightsBytes`, filled with the placed params. */
  readonly weights: Buffer
  /** A buffer for each cache, [pool][index in pool], of whole pages; those of a pool have equally many. */
  readonly caches: readonly (readonly Buffer[])[]
  /** `memory.stateBytes`, zeroed. */
  readonly state: Buffer
}

/**
 * Binds buffers and makes the native plan; `deterministic` as in `PlanSpec`. Throws `internal` on a buffer that is missing or
 * too small.
 */
export function instantiate(compiled: CompiledPlan, buffers: PlanBuffers, deterministic = false): Plan {
  const { limits, memory, nodes } = compiled
  checkSize(buffers.weights, memory.weightsBytes)
  checkSize(buffers.state, memory.stateBytes)
  return Plan.create(buffers.device, {
    limits,
    arenaBytes: memory.arenaBytes,
    operands: compiled.operands.map((operand) => bind(compiled, buffers, operand)),
    nodes: [...nodes],
    deterministic,
  })
}

/**
 * A plan of some nodes, in any order and as often as they are given, for looking at their speed. Their intermediates lie
 * in `arena`, of `memory.arenaBytes`: what is there before is what they work on.
 */
export function instantiatePart(
  compiled: CompiledPlan,
  buffers: PlanBuffers,
  nodes: readonly NodeSpec[],
  arena: Buffer,
): Plan {
  const inArena = (operand: OperandSpec): OperandSpec =>
    operand.space === 'arena' ? { ...operand, space: 'buffer', buffer: arena } : operand
  return Plan.create(buffers.device, {
    limits: compiled.limits,
    arenaBytes: 0,
    operands: compiled.operands.map((operand) => inArena(bind(compiled, buffers, operand))),
    nodes: [...nodes],
  })
}

function bind(compiled: CompiledPlan, buffers: PlanBuffers, operand: UnboundOperand): OperandSpec {
  const { buffer: binding, ...rest } = operand
  if (!binding) return rest
  const buffer = bufferOf(buffers, binding)
  if (binding.kind !== 'cache') return { ...rest, buffer }
  const pages = Math.floor(buffer.bytes / compiled.pools[binding.pool]!.pageBytes)
  const [, ...pageShape] = rest.shape
  return { ...rest, buffer, shape: [{ constant: pages, tokens: 0, rows: 0, seqs: 0 }, ...pageShape] }
}

function bufferOf(buffers: PlanBuffers, binding: BufferBinding): Buffer {
  if (binding.kind !== 'cache') return buffers[binding.kind]
  const buffer = buffers.caches[binding.pool]?.[binding.index]
  if (!buffer) {
    throw new TrtllmError('internal', `cache ${binding.index} of pool ${binding.pool} has no buffer`)
  }
  return buffer
}

function checkSize(buffer: Buffer, bytes: number): void {
  if (buffer.bytes >= bytes) return
  throw new TrtllmError('internal', `${buffer.label} has ${buffer.bytes} bytes, the plan needs ${bytes}`)
}
