import type { Device } from './device.js'
import { TrtllmError } from './errors.js'
import { native } from './native.js'
import { callNative } from './native-error.js'
import type { NativeHandle } from './native-functions.js'
import { handleOf, NativeObject } from './native-object.js'

export interface StepRingOptions {
  readonly slabWords: number
  readonly resultWords: number
  /** Entries, hence steps that can be in flight. */
  readonly depth: number
}

/**
 * Host-visible slabs and results of the steps in flight (pinned memory on CUDA). An entry belongs to the executor from
 * `submit` to `onDone`. After disposal its arrays have length 0.
 */
export class StepRing extends NativeObject {
  readonly depth: number
  readonly #slabs: Int32Array<ArrayBuffer>[]
  readonly #results: Int32Array<ArrayBuffer>[]

  private constructor(device: Device, { slabWords, resultWords, depth }: StepRingOptions) {
    const handle = callNative(() => native().createRing(handleOf(device), slabWords, resultWords, depth))
    super('step ring', handle)
    this.depth = depth
    const entries = Array.from({ length: depth }, (_, entry) => entry)
    this.#slabs = entries.map((entry) => new Int32Array(callNative(() => native().ringSlab(handle, entry))))
    this.#results = entries.map(
      (entry) => new Int32Array(callNative(() => native().ringResults(handle, entry))),
    )
  }

  static create(device: Device, options: StepRingOptions): StepRing {
    return new StepRing(device, options)
  }

  /** The words that the step in entry `i` reads. Throws `out_of_range` for an entry that does not exist. */
  slab(i: number): Int32Array<ArrayBuffer> {
    return this.#slabs[i] ?? this.#noEntry(i)
  }

  /** The words that the step in entry `i` wrote. */
  results(i: number): Int32Array<ArrayBuffer> {
    return this.#results[i] ?? this.#noEntry(i)
  }

  #noEntry(i: number): never {
    throw new TrtllmError('out_of_range', `step ring entry ${i}: it has ${this.depth}`)
  }

  /** @internal */
  protected override release(handle: NativeHandle): void {
    for (const { buffer } of [...this.#slabs, ...this.#results]) callNative(() => native().detach(buffer))
    super.release(handle)
  }
}
