#!/usr/bin/env node
// `node scripts/pack.mjs [--out FOLDER] [--cuda-arch "80;86;89;90a;100f;120f"] [--no-cuda]`: tarballs of all public packages,
// as they are published; the platform package carries the native build. Needs a finished `npm run build`.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { nativeFiles, wantedArchs } from './native-build.mjs'
import { writePlatformPackage } from './platform-package.mjs'
import { orStop, root, Stop, stage } from './workspace.mjs'

const platformPackage = '@trtllm/kernels-linux-x64'

function readFlags() {
  const type = 'string'
  const options = { out: { type }, 'cuda-arch': { type }, 'no-cuda': { type: 'boolean' } }
  try {
    return parseArgs({ options }).values
  } catch (error) {
    throw new Stop(`pack: ${error.message}`)
  }
}

/** Folders and manifests of the packages that are published. */
function publicPackages() {
  const folders = ['packages', 'apps'].flatMap((room) =>
    readdirSync(join(root, room)).map((name) => join(root, room, name)),
  )
  return folders
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
    .filter(({ manifest }) => !manifest.private)
}

/** `@trtllm/serve` and `trtllm-serve` would have the same default name. */
const tarballName = ({ name, version }) => `${name.replace('@', '').replace('/', '__')}-${version}.tgz`

/** pnpm writes the versions that workspace: and catalog: stand for, and adds the licence. */
function pack({ folder, manifest }, out) {
  if (manifest.scripts?.build && !existsSync(join(folder, 'dist')))
    throw new Stop(`${manifest.name} is not built: run \`npm run build\` first.`)
  const pnpm = join(root, 'node_modules/.bin/pnpm')
  const args = ['--dir', folder, 'pack', '--out', join(out, tarballName(manifest))]
  const { status, stdout, stderr } = spawnSync(pnpm, args, { encoding: 'utf8' })
  if (status !== 0) throw new Stop(`${stdout}${stderr}\n${manifest.name} could not be packed.`)
}

/** The platform package has no sources: it is put together elsewhere. */
function packPlatform(manifest, archs, out) {
  const folder = mkdtempSync(join(tmpdir(), 'trtllm-pack-'))
  try {
    writePlatformPackage(folder, nativeFiles(archs), manifest.version)
    cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
    pack({ folder, manifest: { ...manifest, scripts: {} } }, out)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function main() {
  const flags = readFlags()
  const archs = wantedArchs({ cudaArch: flags['cuda-arch'], noCuda: flags['no-cuda'] })
  const out = resolve(flags.out ?? join(root, '.bundle/packages'))
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  for (const found of publicPackages())
    await stage(found.manifest.name, () => {
      if (found.manifest.name === platformPackage) packPlatform(found.manifest, archs, out)
      else pack(found, out)
    })
  console.log(out)
  return 0
}

process.exit(await orStop(main))
