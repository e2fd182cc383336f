import type { Device } from './device.js'
import { TrtllmError } from './errors.js'
import { native } from './native.js'
import { callNative, errorCodeOf } from './native-error.js'
import type { NativeDone, NativeHandle } from './native-functions.js'
import { handleOf, NativeObject } from './native-object.js'
import type { Plan, StepSizes } from './plan.js'
import type { StepRing } from './step-ring.js'

/** A copy of an operand, row-major, into the front of `into`. */
export interface StepProbe {
  readonly operand: number
  readonly into: ArrayBuffer
  /** Rows along its first axis; all without them. */
  readonly firstRow?: number
  readonly rows?: number
  /**
   * Taken when the plan has run, which a recorded graph allows; else right after the node that produced the operand. Only
   * for operands that the last node uses, or that are not in the arena.
   */
  readonly late?: boolean
}

/** One run of a plan. */
export interface ProgramItem extends StepSizes {
  readonly plan: Plan
  readonly probes?: readonly StepProbe[]
  /** Replay the graph recorded for these sizes (see `Plan.capture`); with probes that are not late the nodes run one by one. */
  readonly captured?: boolean
}

/**
 * Called once a step, in submission order, never from inside `submit`: how long the device worked at it, and how long it
 * had done nothing before, since the end of the last step.
 */
export type StepDone = (error: TrtllmError | null, microseconds: number, idleMicroseconds: number) => void

interface Pending {
  readonly onDone: StepDone
  readonly targets: readonly ArrayBuffer[]
}

/**
 * Runs steps in order on a native thread of its own. A step that fails says so to its `onDone`; later ones still run.
 * While steps are under way the process stays alive. Dispose waits for submitted steps; their `onDone` still come.
 */
export class Executor extends NativeObject {
  readonly #pending: Map<number, Pending>
  #nextTicket = 0

  private constructor(device: Device, ring: StepRing) {
    const pending = new Map<number, Pending>()
    const onDone = completer(pending)
    super(
      'executor',
      callNative(() => native().createExecutor(handleOf(device), handleOf(ring), onDone)),
    )
    this.#pending = pending
  }

  static create(device: Device, ring: StepRing): Executor {
    return new Executor(device, ring)
  }

  /**
   * Queues a step that reads the slab and writes the results of ring entry `entry`.
   * @throws TrtllmError out_of_range when the step does not fit its plans, the ring or its probes; nothing is queued.
   */
  submit(entry: number, program: readonly ProgramItem[], onDone: StepDone): void {
    const handle = handleOf(this)
    const items = program.map(({ plan, tokens, rows, seqs, probes = [], captured = false }) => ({
      plan: handleOf(plan),
      tokens,
      rows,
      seqs,
      captured,
      probes: probes.map(
        ({ operand, firstRow = 0, rows = -1, late = false }) => [operand, firstRow, rows, late] as const,
      ),
      probeBytes: probes.map(({ into }) => into.byteLength),
    }))
    const ticket = this.#nextTicket
    callNative(() => native().submit(handle, ticket, entry, items))
    this.#nextTicket = (ticket + 1) >>> 0
    const targets = program.flatMap(({ probes = [] }) => probes.map(({ into }) => into))
    this.#pending.set(ticket, { onDone, targets })
  }

  /** @internal */
  protected override release(handle: NativeHandle): void {
    callNative(() => native().closeExecutor(handle))
  }
}

// A function of the map alone: the native side holds it, and must not hold the executor.
function completer(pending: Map<number, Pending>): NativeDone {
  return (ticket, microseconds, idleMicroseconds, nativeCode, message, probes) => {
    const step = pending.get(ticket)
    pending.delete(ticket)
    if (!step) return
    for (const [i, bytes] of probes.entries()) {
      const target = step.targets[i]
      // The caller may have transferred it meanwhile; then nobody waits for the bytes.
      if (target && target.byteLength >= bytes.byteLength) new Uint8Array(target).set(new Uint8Array(bytes))
    }
    try {
      step.onDone(nativeCode === 0 ? null : stepError(nativeCode, message), microseconds, idleMicroseconds)
    } catch (error) {
      // Node would only warn of an exception here.
      queueMicrotask(() => {
        throw error
      })
    }
  }
}

function stepError(nativeCode: number, message: string): TrtllmError {
  const code = errorCodeOf(nativeCode)
  return new TrtllmError(code === 'out_of_range' || code === 'bad_checkpoint' ? 'internal' : code, message)
}
