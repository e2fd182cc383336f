// The native files that a package or an archive carries: the build that is there when it fits, else one of its own.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sourceDigest } from '../packages/kernels/scripts/source-digest.mjs'
import { cudaChoice, findNvcc, gpuCapabilities } from './cuda-toolchain.mjs'
import { root, Stop } from './workspace.mjs'

const kernels = join(root, 'packages/kernels')
const addon = 'trtllm_kernels.node'
const cudaObject = 'libtrtllm_cuda.so'

/** Where builds for archives are kept. Not `build`: that one belongs to the person who works in the clone. */
const buildFolder = (archs) =>
  join(root, '.bundle', archs.length > 0 ? `native-${archs.join('-')}` : 'native-cpu')

/**
 * The GPU architectures to carry: those of `--cuda-arch`, none with `--no-cuda`; else this machine's GPU, or 90a.
 * @throws Stop without nvcc.
 */
export function wantedArchs({ cudaArch, noCuda }) {
  if (noCuda) return []
  const nvcc = findNvcc()
  if (!nvcc)
    throw new Stop('CUDA kernels need nvcc: install the CUDA toolkit, set CUDACXX to it, or use --no-cuda.')
  const archs = cudaArch ?? process.env.TRTLLM_CUDA_ARCHS
  const odd = archs?.split(/[;, ]+/).find((arch) => !/^\d{2,3}[af]?$/.test(arch))
  if (odd !== undefined)
    throw new Stop(`--cuda-arch ${odd}: expected numbers such as 80, 89, 90a or 100f, with ; between.`)
  const { env } = cudaChoice({ wanted: true, nvcc, capabilities: gpuCapabilities(), archs })
  return env.TRTLLM_CUDA_ARCHS.split(/[;, ]+/).filter(Boolean)
}

/** Native files for `archs`, built when needed: { files: [paths], info, from: where they come from }. @throws Stop */
export function nativeFiles(archs) {
  const local = join(kernels, 'build/Release')
  const from = fits(local, archs) ? local : build(archs)
  const files = [addon, ...(archs.length > 0 ? [cudaObject] : [])].map((file) => join(from, file))
  const { compiler, ...cuda } = infoOf(from)
  const info = archs.length > 0 ? { ...cuda, compiler } : { cudaArchs: [], nvcc: null, compiler }
  return { files, info, from }
}

const infoOf = (folder) => JSON.parse(readFileSync(join(folder, 'build-info.json'), 'utf8'))

/** Whether a build is of the sources as they are and has just these architectures (any, when none are wanted). */
function fits(folder, archs) {
  const withCuda = archs.length > 0
  const needed = [addon, 'build-info.json', 'sources.json', ...(withCuda ? [cudaObject] : [])]
  if (!needed.every((file) => existsSync(join(folder, file)))) return false
  if (withCuda && [...infoOf(folder).cudaArchs].sort().join() !== [...archs].sort().join()) return false
  const built = JSON.parse(readFileSync(join(folder, 'sources.json'), 'utf8'))
  return built[withCuda ? 'cuda' : 'cpu'] === sourceDigest({ withCuda })
}

/** Builds in a folder of its own, what has changed; two that build at once take turns. */
function build(archs) {
  const lock = `${buildFolder(archs)}.lock`
  mkdirSync(dirname(lock), { recursive: true })
  takeLock(lock)
  try {
    return compile(archs)
  } finally {
    rmSync(lock)
  }
}

function takeLock(lock) {
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      return
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      if (!isHeld(lock)) rmSync(lock, { force: true })
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
    }
  }
}

/** Whether the process that took the lock still runs. */
function isHeld(lock) {
  try {
    process.kill(Number(readFileSync(lock, 'utf8')), 0)
    return true
  } catch {
    return false
  }
}

function compile(archs) {
  const folder = buildFolder(archs)
  const env = {
    ...process.env,
    TRTLLM_CUDA: archs.length > 0 ? 'on' : 'off',
    ...(archs.length > 0 && { TRTLLM_CUDA_ARCHS: archs.join(';'), CUDACXX: findNvcc() }),
  }
  const cmake = (...args) => {
    if (spawnSync('cmake', args, { cwd: kernels, env, stdio: ['ignore', 'inherit', 'inherit'] }).status !== 0)
      throw new Stop('The native code could not be built; the lines above say why.')
  }
  cmake('-S', '.', '-B', folder, '-DCMAKE_BUILD_TYPE=Release', '--log-level=WARNING')
  const targets = ['trtllm_kernels', ...(archs.length > 0 ? ['trtllm_cuda'] : [])]
  cmake(
    '--build',
    folder,
    '--parallel',
    process.env.CMAKE_BUILD_PARALLEL_LEVEL ?? '2',
    '--target',
    ...targets,
  )
  return join(folder, 'Release')
}
