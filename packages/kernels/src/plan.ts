import type { Buffer } from './buffer.js'
import type { Device } from './device.js'
import type { DType } from './dtype.js'
import { native } from './native.js'
import { callNative } from './native-error.js'
import { handleOf, NativeObject } from './native-object.js'

/** Sizes of a step. */
export interface StepSizes {
  readonly tokens: number
  readonly rows: number
  readonly seqs: number
}

/** A size that is affine in those of a step; all numbers are whole and not negative. */
export interface DimExpr extends StepSizes {
  readonly constant: number
}

export interface OperandSpec {
  /** What `offset` counts from: the plan's arena, `buffer`, the step's slab or its results. */
  readonly space: 'arena' | 'buffer' | 'slab' | 'result'
  readonly buffer?: Buffer
  /** Bytes. */
  readonly offset: number
  readonly dtype: DType
  readonly layout: 'strided' | 'panel'
  readonly shape: readonly DimExpr[]
  /** Elements; [] = contiguous. */
  readonly strides: readonly number[]
}

export interface NodeSpec {
  readonly op: string
  /** Indices into `operands` in schema order, inputs then outputs; -1 = absent optional. */
  readonly operands: readonly number[]
  readonly attributes: readonly number[]
  readonly label: string
}

export interface PlanSpec {
  readonly limits: StepSizes
  /** Memory for intermediates; one workspace for kernels is added. */
  readonly arenaBytes: number
  readonly operands: readonly OperandSpec[]
  readonly nodes: readonly NodeSpec[]
  /** Only kernels whose rows come out with the same bits whatever else is in the step. False by default. */
  readonly deterministic?: boolean
}

/** Nodes with kernels chosen and memory laid out, ready to run any step within its limits (see `Executor`). */
export class Plan extends NativeObject {
  readonly arenaBytes: number
  readonly workspaceBytes: number

  private constructor(device: Device, spec: PlanSpec) {
    const operands = spec.operands.map(({ buffer, ...operand }) =>
      buffer ? { ...operand, buffer: handleOf(buffer) } : operand,
    )
    const handle = callNative(() => native().createPlan(handleOf(device), { ...spec, operands }), {
      out_of_range: 'internal',
    })
    super('plan', handle)
    const { arenaBytes, workspaceBytes } = callNative(() => native().planMemory(handle))
    this.arenaBytes = arenaBytes
    this.workspaceBytes = workspaceBytes
  }

  /**
   * Checks every operand against its memory and every node against its op's schema, and chooses kernels.
   * @throws TrtllmError internal for a spec that does not fit together, unsupported when the device has no kernel (of the
   * kind asked for) for a node, out_of_memory when arena or workspace do not fit.
   */
  static create(device: Device, spec: PlanSpec): Plan {
    return new Plan(device, spec)
  }

  /** The chosen kernel of each node. */
  explain(): { op: string; kernel: string; label: string }[] {
    return callNative(() => native().explainPlan(handleOf(this)))
  }

  /**
   * Asks for a recorded graph of steps of exactly these sizes; steps with `captured` set replay it (the first one warms
   * up, the second records). False where the backend records none: such steps then run node by node.
   */
  capture(sizes: StepSizes): boolean {
    return callNative(() => native().capturePlan(handleOf(this), sizes))
  }
}
