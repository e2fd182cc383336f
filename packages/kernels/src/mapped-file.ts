import { native } from './native.js'
import { callNative } from './native-error.js'
import { handleOf, NativeObject } from './native-object.js'

/** A file mapped for reading; weights go from it to a device without passing through JavaScript. */
export class MappedFile extends NativeObject {
  /** Bytes the file had when it was opened. */
  readonly size: number

  private constructor(path: string) {
    const handle = callNative(() => native().openFile(path))
    super(`mapped file ${path}`, handle)
    this.size = callNative(() => native().fileSize(handle))
  }

  /** @throws TrtllmError bad_checkpoint when the file cannot be opened or mapped. */
  static open(path: string): MappedFile {
    return new MappedFile(path)
  }

  /**
   * A copy of `length` bytes from `offset` on.
   * @throws TrtllmError bad_checkpoint beyond the end, or when the file became shorter since it was opened.
   */
  read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    return callNative(() => native().readFile(handleOf(this), offset, length))
  }
}
