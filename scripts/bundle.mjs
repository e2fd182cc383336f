#!/usr/bin/env node
// `npm run bundle -- [--cuda-arch 90a] [--no-cuda] [--no-model] [--format gz|xz] [--out FILE]`: one archive that runs on a
// bare Linux x64 machine. Stages a folder, tries it, packs it.
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { bundleApps } from './bundle/apps.mjs'
import { pack } from './bundle/archive.mjs'
import { cxxRuntime } from './bundle/cxx-runtime.mjs'
import { writeLicences } from './bundle/licences.mjs'
import { nodeRuntime } from './bundle/node-runtime.mjs'
import { checkBinaries, tryIt } from './bundle/try.mjs'
import { commit } from './commit.mjs'
import { nativeFiles, wantedArchs } from './native-build.mjs'
import { writePlatformPackage } from './platform-package.mjs'
import { install, orStop, root, Stop, stage } from './workspace.mjs'

const MiB = 1 << 20
/** What may travel: with the embedded model, and without. */
const maxBytes = { model: 60 * MiB, noModel: 32 * MiB }

function readFlags() {
  const type = 'string'
  const options = {
    'cuda-arch': { type },
    'no-cuda': { type: 'boolean' },
    'no-model': { type: 'boolean' },
    format: { type },
    out: { type },
  }
  try {
    const { values } = parseArgs({ options })
    // gzip is on every machine; without the model only xz comes below the limit.
    const format = values.format ?? (values.out?.endsWith('.xz') || values['no-model'] ? 'xz' : 'gz')
    if (!['gz', 'xz'].includes(format)) throw new Error(`--format is '${format}': expected gz or xz`)
    return { ...values, format }
  } catch (error) {
    throw new Stop(`bundle: ${error.message}`)
  }
}

async function main() {
  const flags = readFlags()
  const { version } = JSON.parse(readFileSync(join(root, 'packages/trtllm/package.json'), 'utf8'))
  const archs = wantedArchs({ cudaArch: flags['cuda-arch'], noCuda: flags['no-cuda'] })
  const name = `trtllm-${version}-linux-x64`
  const suffix = `${archs.map((arch) => `-cuda${arch}`).join('')}${flags['no-model'] ? '-no-model' : ''}`
  const out = resolve(flags.out ?? join(root, '.bundle', `${name}${suffix}.tar.${flags.format}`))
  const folder = join(root, '.bundle/stage', basename(out), name)
  const app = join(folder, 'lib/app')
  rmSync(dirname(folder), { recursive: true, force: true })
  mkdirSync(app, { recursive: true })

  await stage('install', install)
  let native
  await stage('native code', () => {
    native = nativeFiles(archs)
    return native.from
  })
  let runtime
  await stage('node', async () => {
    runtime = await nodeRuntime(join(root, '.bundle/cache'))
    cpSync(runtime.binary, join(folder, 'lib/node'))
    cxxRuntime(runtime.binary, join(folder, 'lib/c++'))
    return `Node ${runtime.version}`
  })
  await stage('apps', async () => {
    const { packages, bytes } = await bundleApps(app)
    writeLicences(join(folder, 'licences'), packages, runtime)
    return `${(bytes / MiB).toFixed(1)} MiB of JavaScript, ${packages.length} packages`
  })
  await stage('files', () => {
    writePlatformPackage(join(app, 'node_modules/@trtllm/kernels-linux-x64'), native, version)
    writeModel(join(app, 'node_modules/@trtllm/tales'), flags['no-model'])
    writeFrame(folder, {
      version,
      commit: commit(),
      node: runtime.version,
      model: !flags['no-model'],
      ...native.info,
    })
  })
  await stage('try', () => {
    checkBinaries(folder)
    tryIt(folder)
  })
  await stage('pack', () => pack(folder, out, flags.format))
  rmSync(dirname(folder), { recursive: true })
  const bytes = statSync(out).size
  console.log(`${out}: ${(bytes / MiB).toFixed(1)} MiB`)
  const most = flags['no-model'] ? maxBytes.noModel : maxBytes.model
  if (bytes <= most) return 0
  const hint = flags.format === 'gz' ? '--format xz is smaller' : 'fewer --cuda-arch are smaller'
  throw new Stop(`The archive is larger than ${most / MiB} MiB; ${hint}.`)
}

/** The embedded model, or only the package that says where it would be. */
function writeModel(folder, isLeftOut) {
  const skipped = isLeftOut ? [join(root, 'packages/tales/model')] : []
  cpSync(join(root, 'packages/tales'), folder, {
    recursive: true,
    filter: (path) => !skipped.includes(path) && basename(path) !== 'node_modules',
  })
}

/** Launchers, README and what the folder says about itself. */
function writeFrame(folder, info) {
  const frame = join(root, 'scripts/bundle/frame')
  mkdirSync(join(folder, 'bin'))
  for (const command of ['trtllm', 'trtllm-bench', 'trtllm-serve', 'gpu-check'])
    writeFileSync(
      join(folder, 'bin', command),
      readFileSync(join(frame, 'launcher.sh'), 'utf8').replaceAll('@COMMAND@', command),
      { mode: 0o755 },
    )
  const cuda = info.cudaArchs.length > 0 ? `sm_${info.cudaArchs.join(', sm_')}` : 'none'
  const readme = readFileSync(join(frame, info.model ? 'README.txt' : 'README-no-model.txt'), 'utf8')
  writeFileSync(
    join(folder, 'README.txt'),
    readme.replaceAll('@VERSION@', info.version).replaceAll('@CUDA@', cuda).replaceAll('@NODE@', info.node),
  )
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
  // The apps read their version from the folder above them.
  const manifest = { name: 'trtllm-bundle', version: info.version, private: true, type: 'module' }
  writeFileSync(join(folder, 'lib/package.json'), `${JSON.stringify(manifest)}\n`)
  writeFileSync(join(folder, 'build-info.json'), `${JSON.stringify(info, null, 2)}\n`)
}

process.exit(await orStop(main))
