import { spawnSync } from 'node:child_process'
import { basename, dirname } from 'node:path'
import { Stop } from '../workspace.mjs'

// The x86 filter saves 4 % of machine code. Two blocks for two processors; presets above 5 save 1 % in twice the time.
const compressors = {
  gz: 'gzip -9n',
  xz: 'xz --threads=2 --x86 --block-size=48MiB --lzma2=preset=5,dict=48MiB,nice=24',
}

/** Packs `folder` into `out`, the same bytes for the same files. @throws Stop */
export function pack(folder, out, format) {
  const order = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=2000-01-01T00:00:00Z']
  const args = [
    '-I',
    compressors[format],
    ...order,
    '--mode=u+rw,go=rX',
    '-cf',
    out,
    '-C',
    dirname(folder),
    basename(folder),
  ]
  if (spawnSync('tar', args, { stdio: 'inherit' }).status !== 0)
    throw new Stop(`tar could not write ${out}: GNU tar and ${format === 'gz' ? 'gzip' : 'xz'} are needed.`)
}
