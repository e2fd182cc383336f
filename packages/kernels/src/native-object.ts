import { TrtllmError } from './errors.js'
import { native } from './native.js'
import type { NativeHandle } from './native-functions.js'

// Node has it since 20.0; other runtimes may not.
if (!Symbol.dispose) Object.defineProperty(Symbol, 'dispose', { value: Symbol.for('nodejs.dispose') })

// One key for all copies of this module: the package's two entries are bundled apart in CommonJS.
const handleKey = Symbol.for('@trtllm/kernels.handle')

/** Something native that is owned: `using` or `dispose()` lets it go, twice is harmless. */
export abstract class NativeObject implements Disposable {
  /** @internal */
  protected [handleKey]: NativeHandle | undefined
  /** @internal */
  protected readonly what: string

  protected constructor(what: string, handle: NativeHandle) {
    this.what = what
    this[handleKey] = handle
  }

  /** Whether `dispose` was called. */
  get disposed(): boolean {
    return this[handleKey] === undefined
  }

  /** Lets the native object go; memory is freed when nothing else (a plan, a running step) uses it. */
  dispose(): void {
    const handle = this[handleKey]
    this[handleKey] = undefined
    if (handle) this.release(handle)
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** @internal */
  protected release(handle: NativeHandle): void {
    native().dispose(handle)
  }
}

interface Internals {
  readonly [handleKey]: NativeHandle | undefined
  readonly what: string
}

/** The native side of `object`; throws TrtllmError `internal` when it was disposed of. */
export function handleOf(object: NativeObject): NativeHandle {
  const { [handleKey]: handle, what } = object as unknown as Internals
  if (handle) return handle
  throw new TrtllmError('internal', `${what} is used after it was disposed of`)
}
