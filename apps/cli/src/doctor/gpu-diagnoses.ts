import { type Diagnosis, gibibytes, gpuTrouble, isOlder, ok, warn } from './diagnosis.js'
import type { Facts } from './facts.js'

const leastDriver = '580'
const leastToolkit = '13.0'
const leastCapability = 80

const gpusOf = ({ devices }: Facts) => devices.filter(({ kind }) => kind === 'cuda')

/** Whether this machine has an NVIDIA GPU, seen from here or not. */
const hasGpu = ({ gpu, cuda }: Facts): boolean =>
  gpu.onBus > 0 || gpu.nodes.length > 0 || gpu.kernelDriver !== undefined || (cuda?.devices ?? 0) > 0

const libraryOf = ({ cuda }: Facts, name: string) => cuda?.libraries.find((library) => library.name === name)

const driverOf = (facts: Facts): string | undefined => facts.gpu.kernelDriver ?? facts.cuda?.driver

const gpu: Diagnosis = {
  name: 'GPU',
  questions: ['install', 'speed'],
  check(facts) {
    const { gpu, system, cuda } = facts
    const gpus = gpusOf(facts)
    if (gpus.length > 0) {
      const shown = gpus.map(
        ({ name, freeBytes, totalBytes, computeCapability }) =>
          `${name} (sm_${computeCapability}, ${gibibytes(freeBytes)} free of ${gibibytes(totalBytes)})`,
      )
      return ok(shown.join('; '))
    }
    if (!hasGpu(facts)) {
      if (facts.wanted.device.startsWith('cuda'))
        return gpuTrouble(facts, 'no NVIDIA GPU in this machine', 'use --device cpu, or a machine with a GPU')
      return ok('none; the CPU is used')
    }
    if (gpu.visible !== undefined && /^(-1|none)?$/i.test(gpu.visible.trim()))
      return gpuTrouble(
        facts,
        `hidden by CUDA_VISIBLE_DEVICES="${gpu.visible}"`,
        'unset CUDA_VISIBLE_DEVICES',
      )
    if (gpu.nodes.length === 0 && system.isContainer)
      return gpuTrouble(
        facts,
        'there is a GPU, but this container has no /dev/nvidia*',
        'start the container with --gpus all (Docker with the NVIDIA container toolkit), or ask Kubernetes for nvidia.com/gpu',
      )
    if (gpu.nodes.length === 0)
      return gpuTrouble(
        facts,
        'there is a GPU, but no /dev/nvidia*',
        `install NVIDIA driver ${leastDriver} or newer`,
      )
    const why = cuda?.error ?? 'see driver and CUDA build below'
    return gpuTrouble(facts, `there is a GPU that cannot be used: ${why}`, 'mend the lines below first')
  },
}

const driver: Diagnosis = {
  name: 'NVIDIA driver',
  questions: ['install', 'speed'],
  check(facts) {
    if (!hasGpu(facts)) return ok('not needed without a GPU')
    const version = driverOf(facts)
    const library = libraryOf(facts, 'driver')
    if (version !== undefined && isOlder(version, leastDriver))
      return gpuTrouble(
        facts,
        `${version} is too old for CUDA 13`,
        `install driver ${leastDriver}.95 or newer from https://www.nvidia.com/drivers and restart; CUDA itself need not be installed`,
      )
    if (library && !library.found) {
      const remedy = facts.system.isContainer
        ? 'start the container with --gpus all and NVIDIA_DRIVER_CAPABILITIES=compute,utility'
        : `install NVIDIA driver ${leastDriver} or newer`
      return gpuTrouble(
        facts,
        `libcuda.so.1 is not found${version ? ` (kernel module ${version})` : ''}`,
        remedy,
      )
    }
    if (version === undefined && library?.version && isOlder(library.version, leastToolkit))
      return gpuTrouble(
        facts,
        `runs CUDA ${library.version} at most`,
        `install driver ${leastDriver} or newer`,
      )
    return ok(
      `${version ?? 'version unknown'}${library?.version ? `, runs CUDA up to ${library.version}` : ''}`,
    )
  },
}

const build: Diagnosis = {
  name: 'CUDA build',
  questions: ['install', 'module'],
  check(facts) {
    const { cuda, gpu } = facts
    if (cuda?.loaded) return ok(`loaded${cuda.runtime ? `, CUDA runtime ${cuda.runtime}` : ''}`)
    if (cuda?.built)
      return gpuTroubleIf(facts, `libtrtllm_cuda.so does not load: ${cuda.error ?? 'reason unknown'}`, [
        'build addon and CUDA object together again: npm start -- --cuda',
      ])
    if (!hasGpu(facts)) return ok('not built, not needed without a GPU')
    return gpuTroubleIf(facts, 'this build of trtllm has no CUDA object', [
      gpu.nvcc === undefined
        ? `install the CUDA toolkit ${leastToolkit} or newer, then: npm start -- --cuda`
        : isOlder(gpu.nvcc, leastToolkit)
          ? `nvcc is ${gpu.nvcc}: install the CUDA toolkit ${leastToolkit} or newer, then: npm start -- --cuda`
          : 'build it: npm start -- --cuda',
      'or install the platform package, which has it',
    ])
  },
}

function gpuTroubleIf(facts: Facts, found: string, remedies: readonly string[]) {
  const remedy = remedies.join(', ')
  return hasGpu(facts) ? gpuTrouble(facts, found, remedy) : warn(found, remedy)
}

const toolkit: Diagnosis = {
  name: 'CUDA toolkit',
  questions: ['install'],
  check({ gpu: { nvcc }, cuda }) {
    const use = 'only needed to build the CUDA object'
    if (nvcc === undefined) return ok(`no nvcc; ${use}`)
    if (!isOlder(nvcc, leastToolkit)) return ok(`nvcc ${nvcc}; ${use}`)
    if (cuda?.loaded) return ok(`nvcc ${nvcc}; ${use}, and that is built`)
    return warn(
      `nvcc ${nvcc}`,
      `to build the CUDA object, install CUDA ${leastToolkit} or newer and match it to the driver`,
    )
  },
}

const architecture: Diagnosis = {
  name: 'GPU architecture',
  questions: ['install', 'speed'],
  check(facts) {
    const gpus = gpusOf(facts)
    if (gpus.length === 0) return ok('no GPU to judge')
    const old = gpus.filter(({ computeCapability }) => computeCapability < leastCapability)
    const shown = [...new Set(gpus.map(({ computeCapability }) => `sm_${computeCapability}`))].join(', ')
    if (old.length === 0) return ok(shown)
    const remedy = `kernels are built for sm_${leastCapability} (Ampere) and newer: use another GPU, or --device cpu`
    return gpuTrouble(facts, shown, remedy)
  },
}

const libraries: Diagnosis = {
  name: 'CUDA libraries',
  questions: ['speed', 'install'],
  check(facts) {
    const names = ['cublasLt', 'nccl', 'nvml']
    const shown = names.map((name) => {
      const library = libraryOf(facts, name)
      return `${name} ${library?.found ? (library.version ?? 'found') : 'not found'}`
    })
    const found = shown.join(', ')
    const gpus = gpusOf(facts).length
    if (gpus === 0) return ok(`${found}; not needed without a GPU`)
    if (!libraryOf(facts, 'cublasLt')?.found)
      return warn(
        found,
        'large matrices are slower without it: install libcublas of CUDA 13 (apt install libcublas-13-0)',
      )
    if (gpus > 1 && !libraryOf(facts, 'nccl')?.found)
      return warn(found, 'several GPUs at once need it: install libnccl2')
    return ok(found)
  },
}

/** GPU, driver and what runs on them. */
export const gpuDiagnoses: readonly Diagnosis[] = [gpu, driver, build, toolkit, architecture, libraries]
