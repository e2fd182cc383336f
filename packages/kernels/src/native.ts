import { createRequire } from 'node:module'
import { TrtllmError } from './errors.js'
import { findNative, nativePlaces } from './find-native.js'
import type { Native } from './native-functions.js'

const require = createRequire(import.meta.url)

let loaded: Native | undefined

/**
 * The addon, loaded on first use so that tracing and errors need no build.
 * @throws TrtllmError device_unavailable when it is not built or installed, or does not load.
 */
export function native(): Native {
  if (loaded) return loaded
  const { addon, cuda } = findNative(nativePlaces())
  try {
    loaded = require(addon) as Native
  } catch (cause) {
    throw new TrtllmError('device_unavailable', `cannot load ${addon}: ${(cause as Error).message}`, {
      cause,
    })
  }
  if (cuda) loaded.useCudaLibrary(cuda)
  return loaded
}
