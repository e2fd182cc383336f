import { type Diagnosis, fail, gibibytes, isOlder, ok, warn } from './diagnosis.js'

const leastNode = '20.19.0'
const leastGlibc = '2.34'

const node: Diagnosis = {
  name: 'node',
  questions: ['install'],
  check: ({ system }) =>
    isOlder(system.node, leastNode)
      ? fail(system.node, `install Node ${leastNode} or newer from https://nodejs.org`)
      : ok(system.node),
}

const platform: Diagnosis = {
  name: 'C library',
  questions: ['install', 'module'],
  check({ system: { glibc, platform, arch }, addon }) {
    const where = `${platform}-${arch}`
    const own = 'or build trtllm on this machine (g++, cmake, npm start)'
    if (glibc === undefined) {
      const found = `${where} without glibc`
      if (addon.isa)
        return warn(found, `prebuilt packages need glibc ${leastGlibc}; this build is the machine's own`)
      return fail(found, `use a system with glibc ${leastGlibc} or newer (Debian 12, Ubuntu 22.04) ${own}`)
    }
    const found = `${where}, glibc ${glibc}`
    if (!isOlder(glibc, leastGlibc)) return ok(found)
    const remedy = `prebuilt packages need glibc ${leastGlibc}: use Debian 12, Ubuntu 22.04 or newer, ${own}`
    return addon.isa ? warn(found, remedy) : fail(found, remedy)
  },
}

const addon: Diagnosis = {
  name: 'native addon',
  questions: ['module', 'install'],
  check({ addon: { isa, error = 'not found' }, system: { platform, arch, isContainer } }) {
    if (isa) return ok(`loaded; kernels for ${isa.all.join(', ')}`)
    const remedy = /GLIBC|version `/.test(error)
      ? 'the addon was built for a newer system: see "C library"'
      : `install @trtllm/kernels-${platform}-${arch} (npm install without --omit=optional), or build it: npm start`
    const container = isContainer ? '; in a container, use the image that trtllm was installed in' : ''
    return fail(error, `${remedy}${container}`)
  },
}

const processor: Diagnosis = {
  name: 'CPU',
  questions: ['speed'],
  check({ system: { cpu, cores, usableCores }, addon: { isa }, environment }) {
    const forced = environment.TRTLLM_CPU_ISA
    const found = `${cpu}, ${usableCores} of ${cores} cores${isa ? `, ${isa.best}` : ''}`
    if (isa && forced && forced !== isa.best)
      return warn(`${found}; TRTLLM_CPU_ISA=${forced}`, `unset TRTLLM_CPU_ISA to use ${isa.best}`)
    if (isa?.best === 'scalar')
      return warn(found, 'this processor has no AVX2: expect a tenth of the speed; use a newer one or a GPU')
    if (usableCores * 2 <= cores)
      return warn(
        found,
        'most cores are kept from this process: raise the CPU limit of the container or taskset',
      )
    return ok(found)
  },
}

const memory: Diagnosis = {
  name: 'RAM',
  questions: ['memory'],
  check({ system: { totalBytes, freeBytes } }) {
    const found = `${gibibytes(freeBytes)} free of ${gibibytes(totalBytes)}`
    if (freeBytes >= 2 ** 30) return ok(found)
    return warn(found, 'end other programs, or raise the memory limit of the container')
  },
}

/** The machine, GPUs aside. */
export const systemDiagnoses: readonly Diagnosis[] = [node, platform, addon, processor, memory]
