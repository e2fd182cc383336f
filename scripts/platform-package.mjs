import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { root, Stop } from './workspace.mjs'

/** Takes names that only a debugger reads out of a copied binary. @throws Stop */
export function strip(file) {
  const { status, error } = spawnSync('strip', ['--strip-unneeded', file], { stdio: 'inherit' })
  if (status !== 0)
    throw new Stop(`strip ${file} failed${error ? `: ${error.message}` : ''} (binutils brings it).`)
}

/** Writes @trtllm/kernels-linux-x64 with its binaries into `folder`, as it is published. */
export function writePlatformPackage(folder, { files, info }, version) {
  const source = join(root, 'packages/kernels-linux-x64')
  mkdirSync(folder, { recursive: true })
  const manifest = { ...JSON.parse(readFileSync(join(source, 'package.json'), 'utf8')), version }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  writeFileSync(join(folder, 'build-info.json'), `${JSON.stringify(info, null, 2)}\n`)
  for (const file of files) {
    const copy = join(folder, basename(file))
    cpSync(file, copy)
    strip(copy)
  }
}
