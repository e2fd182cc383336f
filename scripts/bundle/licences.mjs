import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root } from '../workspace.mjs'

const licenceFile = /^(licen[cs]e|notice|copying)/i

/** Headers whose code is compiled into the addon. */
const compiledIn = () =>
  createRequire(join(root, 'packages/kernels/package.json')).resolve('node-addon-api/package.json')

const notes = `What the binaries of this folder contain besides trtllm's own code:

lib/node             Node.js; node-*.txt here.
trtllm_kernels.node  node-addon-api; parts of libstdc++ and libgcc of GCC, under the GCC Runtime Library Exception 3.1.
libtrtllm_cuda.so    where present: the same parts of GCC, and the CUDA run-time library of NVIDIA, which the CUDA
                     Toolkit's licence agreement allows to be distributed in object form as part of an application.
lib/c++              libstdc++ and libgcc of GCC (GPL 3 with the GCC Runtime Library Exception 3.1; sources: gcc.gnu.org),
                     loaded only where the system has none.
`

/** What a package without a licence file says of itself. */
function withoutText({ license, author, repository }) {
  const who = author?.name ?? author ?? 'its authors'
  return `The package has no licence file. Its manifest names ${license}; by ${who}; ${repository?.url ?? repository}.`
}

/** Writes the licence of every package whose code is in the bundle, and of Node, into `folder`. */
export function writeLicences(folder, packages, runtime) {
  mkdirSync(folder, { recursive: true })
  for (const path of [...packages, join(compiledIn(), '..')]) {
    const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
    const { name, version, license } = manifest
    const texts = readdirSync(path)
      .filter((file) => licenceFile.test(file))
      .map((file) => readFileSync(join(path, file), 'utf8').trim())
    if (texts.length === 0) texts.push(withoutText(manifest))
    const text = [`${name} ${version} (${license ?? 'see below'})`, ...texts].join('\n\n')
    writeFileSync(join(folder, `${name.replace('/', '+')}-${version}.txt`), `${text}\n`)
  }
  cpSync(runtime.licence, join(folder, `node-${runtime.version}.txt`))
  writeFileSync(join(folder, 'BINARIES.txt'), notes)
}
