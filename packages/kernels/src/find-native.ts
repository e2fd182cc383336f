import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TrtllmError } from './errors.js'

const addonFile = 'trtllm_kernels.node'
const cudaFile = 'libtrtllm_cuda.so'

/** Where native files are looked for. */
export interface NativePlaces {
  /** Folder that comes before all others (TRTLLM_NATIVE_DIR); it may hold just one of the two files. */
  readonly override: string | undefined
  /** Folder of this package, whose own build comes next. */
  readonly packageRoot: string
  /** Name of the package that carries a build for this machine. */
  readonly platformPackage: string
  /** The folder of an installed package, or undefined. */
  folderOf(packageName: string): string | undefined
}

/** The native files to load. CUDA kernels that do not belong to the addon are never mixed in. */
export interface NativeFiles {
  readonly addon: string
  readonly cuda: string | undefined
}

/** The places of this process. */
export function nativePlaces(): NativePlaces {
  const here = fileURLToPath(import.meta.url)
  const resolve = createRequire(here).resolve
  return {
    override: process.env.TRTLLM_NATIVE_DIR,
    packageRoot: join(dirname(here), '..'),
    platformPackage: `@trtllm/kernels-${process.platform}-${process.arch}`,
    folderOf(packageName) {
      try {
        return dirname(resolve(`${packageName}/package.json`))
      } catch {
        return undefined
      }
    },
  }
}

/**
 * The addon and its CUDA kernels: the override, then this package's own build, then the platform package.
 * @throws TrtllmError device_unavailable with what was tried and how to get a build.
 */
export function findNative({ override, packageRoot, platformPackage, folderOf }: NativePlaces): NativeFiles {
  const build = join(packageRoot, 'build/Release')
  const installed = folderOf(platformPackage)
  const fileIn = (folder: string | undefined, file: string) => {
    const path = folder ? join(folder, file) : undefined
    return path !== undefined && existsSync(path) ? path : undefined
  }
  const home = [override, build, installed].find((folder) => fileIn(folder, addonFile))
  const addon = fileIn(home, addonFile)
  if (addon) return { addon, cuda: fileIn(override, cudaFile) ?? fileIn(home, cudaFile) }
  const tried = [
    ...(override ? [`TRTLLM_NATIVE_DIR ${override} (no ${addonFile})`] : []),
    `${build} (not built)`,
    `${platformPackage} (${installed ? `no ${addonFile} in ${installed}` : 'not installed'})`,
  ]
  throw new TrtllmError(
    'device_unavailable',
    `no native build of @trtllm/kernels for ${process.platform}-${process.arch}; tried ${tried.join(', ')}. ` +
      `Install ${platformPackage}, or build it here with g++ and cmake: ` +
      `node "${join(packageRoot, 'scripts/build-native.mjs')}"`,
    { details: { platform: process.platform, arch: process.arch, tried } },
  )
}
