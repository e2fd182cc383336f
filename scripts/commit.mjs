import { spawnSync } from 'node:child_process'
import { root } from './workspace.mjs'

/** The commit of this clone, "+" where files differ from it; null outside a clone. */
export function commit() {
  const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  const { status, stdout } = git('rev-parse', 'HEAD')
  if (status !== 0) return null
  return stdout.trim() + (git('status', '--porcelain', '--untracked-files=no').stdout === '' ? '' : '+')
}
