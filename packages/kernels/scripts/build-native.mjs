// Builds the addon of this package where no prebuilt one fits: node scripts/build-native.mjs
// In a clone this is the whole build (CUDA too, as TRTLLM_CUDA says); an installed package carries the CPU's sources only.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { env, exit } from 'node:process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const isClone = existsSync(join(root, '../../cuda/include'))

function run(program, args, more = {}) {
  const { status, error } = spawnSync(program, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...env, ...more },
  })
  if (error?.code === 'ENOENT') {
    console.error(
      `build-native: ${program} is missing; on Debian and Ubuntu: apt-get install -y g++ cmake make`,
    )
    exit(1)
  }
  if (status !== 0) exit(status ?? 1)
}

if (isClone) {
  const { sourceDigest } = await import('./source-digest.mjs')
  // Of what is read now: a file that changes during the build makes the digest differ.
  const sources = { cpu: sourceDigest({ withCuda: false }), cuda: sourceDigest({ withCuda: true }) }
  rmSync(join(root, 'build/Release'), { recursive: true, force: true })
  const cmakeJs = join(root, 'node_modules/.bin/cmake-js')
  run(cmakeJs, ['configure', '-l', 'warn'])
  run(cmakeJs, ['build', '-l', 'warn', '-p', '2'])
  writeFileSync(join(root, 'build/Release/sources.json'), `${JSON.stringify(sources)}\n`)
} else {
  run('cmake', ['-S', '.', '-B', 'build', '-DCMAKE_BUILD_TYPE=Release'], { TRTLLM_CUDA: 'off' })
  run('cmake', ['--build', 'build', '--parallel', '2'])
}
