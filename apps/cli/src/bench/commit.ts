import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Of a portable bundle, whose programs lie two folders below it. */
const buildInfo = new URL('../../build-info.json', import.meta.url)

/** The commit that this program was built from, "+" where files differ from it; null where nobody knows. */
export function commitOfBuild(): string | null {
  return fromBundle() ?? fromClone()
}

function fromBundle(): string | undefined {
  try {
    const { commit } = JSON.parse(readFileSync(buildInfo, 'utf8')) as { commit?: unknown }
    return typeof commit === 'string' ? commit : undefined
  } catch {
    return undefined
  }
}

function fromClone(): string | null {
  const cwd = fileURLToPath(new URL('.', import.meta.url))
  const git = (...args: string[]) => spawnSync('git', args, { cwd, encoding: 'utf8' })
  const { status, stdout } = git('rev-parse', 'HEAD')
  if (status !== 0) return null
  return stdout.trim() + (git('status', '--porcelain', '--untracked-files=no').stdout === '' ? '' : '+')
}
