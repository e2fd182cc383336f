// What `npm start` and `npm test` share: stages with their seconds, tool checks, install and build of the workspace.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const binFolder = join(root, 'node_modules', '.bin')

/** A failure whose message is all that a user needs. */
export class Stop extends Error {}

const secondsSince = (startMs) => ((performance.now() - startMs) / 1000).toFixed(1)

/** Runs one stage and tells how long it took; `work` may return what is worth knowing. */
export async function stage(name, work) {
  console.log(`[${name}] ...`)
  const startMs = performance.now()
  const result = await work()
  console.log(`[${name}] ${result ? `${result}, ` : ''}${secondsSince(startMs)} s`)
}

/** Ends with a sentence, not with a stack, where a stage says why it cannot go on. */
export async function orStop(main) {
  try {
    return await main()
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    console.error(error.message)
    return 1
  }
}

/** The first version number that a tool prints, or undefined where it is missing. */
function versionOf(tool) {
  const { status, stdout } = spawnSync(tool, ['--version'], { encoding: 'utf8' })
  return status === 0 ? (/\d+(\.\d+)+/.exec(stdout)?.[0] ?? '0') : undefined
}

const isBelow = (version, least) => {
  const [a, b] = [version, least].map((text) => text.split('.').map(Number))
  const at = b.findIndex((number, index) => (a[index] ?? 0) !== number)
  return at >= 0 && (a[at] ?? 0) < b[at]
}

/** Names every tool that the build needs and lacks, with the command that brings it. @throws Stop */
export function checkTools() {
  const node = process.versions.node
  if (isBelow(node, '20.19'))
    throw new Stop(`Node ${node} is too old: 20.19 or newer is needed (https://nodejs.org).`)
  const compiler = process.env.CXX || 'g++'
  const found = { [compiler]: versionOf(compiler), cmake: versionOf('cmake') }
  const wrong = Object.keys(found).filter((tool) => found[tool] === undefined)
  if (versionOf('make') === undefined && versionOf('ninja') === undefined) wrong.push('make')
  if (wrong.length > 0) {
    const sudo = process.getuid?.() === 0 ? '' : 'sudo '
    throw new Stop(
      `The native code is built on this machine, and ${wrong.join(', ')} ${wrong.length > 1 ? 'are' : 'is'} missing.\n` +
        `On Debian and Ubuntu: ${sudo}apt-get install -y g++ cmake make`,
    )
  }
  if (isBelow(found.cmake, '3.22'))
    throw new Stop(`cmake ${found.cmake} is too old: 3.22 or newer is needed (pip install cmake brings one).`)
  return `Node ${node}, ${compiler} ${found[compiler]}, cmake ${found.cmake}`
}

/** The environment of children: the workspace's own programs first, no telemetry. */
const environment = (more) => ({
  ...process.env,
  PATH: binFolder + delimiter + process.env.PATH,
  TURBO_TELEMETRY_DISABLED: '1',
  TURBO_NO_UPDATE_NOTIFIER: '1',
  NPM_CONFIG_UPDATE_NOTIFIER: 'false',
  ...more,
})

/** Runs a program of the workspace in the foreground and gives its exit status. */
export function run(program, args, env = {}) {
  const options = { cwd: root, stdio: 'inherit', env: environment(env) }
  return spawnSync(program, args, options).status ?? 1
}

/** The strictness that .npmrc asks of npm is not for pnpm: developing on an odd Node is allowed. */
const anyEngine = '--config.engine-strict=false'

/** Installs the locked dependencies unless they are there already. @throws Stop */
export function install() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const stamp = join(root, 'node_modules', '.trtllm-installed')
  const locked = createHash('sha256').update(packageManager)
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'])
    locked.update(readFileSync(join(root, file)))
  const wanted = locked.digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return 'nothing to install'
  const pnpm = ['exec', '--yes', `--package=${packageManager}`, '--', 'pnpm']
  if (run('npm', [...pnpm, 'install', '--frozen-lockfile', '--reporter=append-only', anyEngine]) !== 0)
    throw new Stop('The dependencies could not be installed; the lines above say why.')
  writeFileSync(stamp, wanted)
  return undefined
}

const tellEveryMs = 10_000

/** Builds packages (turbo filters; none = all), telling how far it is. @throws Stop with the end of the log. */
export async function build(packages, env) {
  const filters = packages.map((name) => `--filter=${name}`)
  const args = ['run', 'build', ...filters, '--output-logs=new-only', '--log-order=stream', '--no-color']
  const child = spawn('turbo', args, {
    cwd: root,
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const startMs = performance.now()
  const lines = []
  let toldMs = startMs
  const read = (text) => {
    lines.push(...text.split('\n').filter((line) => line.trim() !== ''))
    if (performance.now() - toldMs < tellEveryMs || lines.length === 0) return
    toldMs = performance.now()
    // "<package>:<task>: [12/90] Building ...": the native build counts its files, as ninja or as make do.
    const [, name = 'packages', done = ''] =
      /^(\S+?):build\S*: *(?:\[ *(\d+\/\d+|\d+%)\])?/.exec(lines.at(-1)) ?? []
    console.log(`  ${name}${done && `, native code ${done}`}, ${secondsSince(startMs)} s`)
  }
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', read)
  const status = await new Promise((resolve) => {
    child.on('error', () => resolve(1))
    child.on('close', resolve)
  })
  if (status !== 0)
    throw new Stop(`${lines.slice(-60).join('\n')}\nThe build failed; the lines above say why.`)
  return lines.some((line) => line.includes('FULL TURBO')) ? 'nothing to build' : undefined
}
