import { spawnSync } from 'node:child_process'
import { join, relative } from 'node:path'
import { elfNeeds, machineCodeIn } from '../elf-needs.mjs'
import { Stop } from '../workspace.mjs'

/** The C library that every binary must be content with: 2.34. */
const newestGlibcMinor = 34

/** Looks at every binary of a staged folder. @throws Stop where one needs a newer C library than is promised */
export function checkBinaries(folder) {
  for (const file of machineCodeIn(folder)) {
    const { glibc } = elfNeeds(file)
    if (Number(glibc.split('.')[1]) > newestGlibcMinor)
      throw new Stop(
        `${relative(folder, file)} needs glibc ${glibc}; the bundle promises 2.${newestGlibcMinor}.`,
      )
  }
}

/** Starts every command of a staged folder as a machine without anything would. @throws Stop */
export function tryIt(folder) {
  for (const command of ['trtllm', 'trtllm-bench', 'trtllm-serve', 'gpu-check']) {
    const options = { cwd: '/', env: { PATH: '/usr/bin:/bin' }, encoding: 'utf8' }
    const { status, stdout, stderr } = spawnSync(join(folder, 'bin', command), ['--help'], options)
    if (status !== 0 || !stdout.includes('Usage'))
      throw new Stop(`bin/${command} --help ended with ${status}:\n${stdout}${stderr}`)
  }
}
