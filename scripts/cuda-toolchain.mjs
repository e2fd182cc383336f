// Whether the CUDA kernels are built, and for which GPU.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const runs = (nvcc) => existsSync(nvcc) && spawnSync(nvcc, ['--version']).status === 0

/** The nvcc that the build would use, or undefined: CUDACXX as it is, else the first that runs. */
export function findNvcc(environment = process.env) {
  const { CUDACXX, CUDA_HOME, CUDA_PATH, PATH = '' } = environment
  if (CUDACXX) return CUDACXX
  const roots = [CUDA_HOME, CUDA_PATH].filter(Boolean).map((folder) => join(folder, 'bin'))
  const folders = [...roots, ...PATH.split(delimiter), '/usr/local/cuda/bin']
  return folders.map((folder) => join(folder, 'nvcc')).find(runs)
}

/** Compute capabilities of this machine's GPUs ("9.0"); empty without a GPU or driver. */
export function gpuCapabilities() {
  const query = ['--query-gpu=compute_cap', '--format=csv,noheader']
  const { status, stdout } = spawnSync('nvidia-smi', query, { encoding: 'utf8' })
  return status === 0 ? stdout.split('\n').filter((line) => /^\d+\.\d+$/.test(line.trim())) : []
}

/** The architecture to build for a compute capability, or undefined for a GPU that there are no kernels for. */
export function architectureOf(capability) {
  const [major, minor] = capability.trim().split('.').map(Number)
  if (major === 8) return minor >= 9 ? '89' : minor >= 6 ? '86' : '80'
  return { 9: '90a', 10: '100f', 12: '120f' }[major]
}

/**
 * What to build and a line that says so. `wanted`: the user asked for CUDA, whatever the machine; `refused`: the user
 * runs on the CPU. @throws Error when CUDA was asked for and there is no nvcc.
 */
export function cudaChoice({ wanted, refused, nvcc, capabilities, archs }) {
  const off = (why) => ({ env: { TRTLLM_CUDA: 'off' }, why: `CPU only (${why})` })
  const on = (list) => ({
    env: { TRTLLM_CUDA: 'on', TRTLLM_CUDA_ARCHS: list },
    why: `CUDA for sm_${list.replaceAll(/[;, ]+/g, ', sm_')}`,
  })
  if (wanted && !nvcc) throw new Error('--cuda needs nvcc: install the CUDA toolkit or set CUDACXX to it.')
  const known = [...new Set(capabilities.map(architectureOf).filter(Boolean))]
  if (wanted) return on(archs || known.join(';') || '90a')
  if (refused) return off('--device cpu')
  if (capabilities.length === 0) return off('no GPU')
  if (known.length === 0) return off(`no kernels for a GPU of compute capability ${capabilities[0]}`)
  if (!nvcc) return off('a GPU, but no nvcc: install the CUDA toolkit to use it')
  return on(archs || known.join(';'))
}
