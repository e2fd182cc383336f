import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TrtllmError } from './errors.js'
import type { Native } from './native-functions.js'

const require = createRequire(import.meta.url)
const here = dirname(fileURLToPath(import.meta.url))
const platformPackage = `@trtllm/kernels-${process.platform}-${process.arch}`

/** A native file: TRTLLM_NATIVE_DIR, then this package's own build, then the platform package. */
function locate(file: string): string | undefined {
  for (const directory of [process.env.TRTLLM_NATIVE_DIR, join(here, '../build/Release')]) {
    if (directory && existsSync(join(directory, file))) return join(directory, file)
  }
  try {
    return require.resolve(`${platformPackage}/${file}`)
  } catch {
    return undefined
  }
}

let loaded: Native | undefined

/**
 * The addon, loaded on first use so that tracing and errors need no build.
 * @throws TrtllmError device_unavailable when it is not built or installed, or does not load.
 */
export function native(): Native {
  if (loaded) return loaded
  const path = locate('trtllm_kernels.node')
  if (!path) {
    throw new TrtllmError(
      'device_unavailable',
      `no native build of @trtllm/kernels for ${process.platform}-${process.arch}: install ${platformPackage}, ` +
        'or in a clone run `pnpm --filter @trtllm/kernels build:native` (needs g++ and cmake)',
    )
  }
  try {
    loaded = require(path) as Native
  } catch (cause) {
    throw new TrtllmError('device_unavailable', `cannot load ${path}: ${(cause as Error).message}`, { cause })
  }
  const cuda = locate('libtrtllm_cuda.so')
  if (cuda) loaded.useCudaLibrary(cuda)
  return loaded
}
