import { native } from './native.js'
import { callNative } from './native-error.js'
import type { NativeHandle } from './native-functions.js'
import { handleOf, NativeObject } from './native-object.js'

/** Bytes on a device. A plan made with a buffer keeps its memory until the plan is disposed of too. */
export class Buffer extends NativeObject {
  readonly bytes: number
  readonly label: string

  /** @internal Use `device.allocate`. */
  constructor(device: NativeHandle, bytes: number, label: string) {
    super(
      `buffer '${label}'`,
      callNative(() => native().allocate(device, bytes, label)),
    )
    this.bytes = bytes
    this.label = label
  }

  /** Copies all bytes of `source` to `offset`; they are there on return. Throws `out_of_range` beyond the end. */
  write(source: ArrayBufferView, offset = 0): void {
    callNative(() => native().bufferWrite(handleOf(this), offset, source))
  }

  /** Fills `target` with the bytes from `offset` on. Work submitted to an executor is not waited for. */
  read(target: ArrayBufferView, offset = 0): void {
    callNative(() => native().bufferRead(handleOf(this), offset, target))
  }

  /** Sets every byte. */
  fill(byte: number): void {
    callNative(() => native().bufferFill(handleOf(this), byte))
  }
}
