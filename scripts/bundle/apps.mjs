// The commands and what they start by file name (engine, encoding thread), as a few JavaScript files.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { root, Stop } from '../workspace.mjs'

// Beside each other in one folder: engine-main.js and encode-worker.js are found next to the code that starts them.
const entryPoints = {
  trtllm: join(root, 'apps/cli/bin/trtllm.mjs'),
  'trtllm-bench': join(root, 'apps/cli/bin/trtllm-bench.mjs'),
  'trtllm-serve': join(root, 'apps/serve/bin/trtllm-serve.mjs'),
  'engine-main': join(root, 'packages/trtllm/src/engine-main.ts'),
  'encode-worker': join(root, 'packages/text/src/encode-worker.ts'),
  // bin/gpu-check and what it starts.
  'gpu-check': join(root, 'benchmarks/gpu-check/main.mjs'),
  'concurrent-requests': join(root, 'benchmarks/gpu-check/concurrent-requests.mjs'),
  'load-cycles': join(root, 'benchmarks/gpu-check/load-cycles.mjs'),
}

/** The launchers of the apps import what tsup builds; here the same code comes from its source. */
const fromSource = {
  name: 'from-source',
  setup(build) {
    build.onResolve({ filter: /^\.\.\/dist\/main\.js$/ }, ({ resolveDir }) => ({
      path: join(resolveDir, '../src/main.ts'),
    }))
  },
}

/** CommonJS packages inside an ES module call require and read __dirname. */
const banner = `import { createRequire as createRequireHere } from 'node:module'
const require = createRequireHere(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;`

/** Bundles into `folder`. @throws Stop @returns { bytes, packages: folders of the third-party packages whose code is inside }. */
export async function bundleApps(folder) {
  // tsup brings esbuild.
  const { build } = createRequire(createRequire(import.meta.url).resolve('tsup'))('esbuild')
  const { metafile } = await build({
    entryPoints,
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['source'],
    // The checks are no package: they see what the commands see.
    nodePaths: [join(root, 'apps/cli/node_modules')],
    external: ['@trtllm/tales'],
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    banner: { js: banner },
    plugins: [fromSource],
    metafile: true,
    absWorkingDir: root,
    logLevel: 'error',
  }).catch(() => {
    throw new Stop('The apps could not be bundled; the lines above say why.')
  })
  const bytes = Object.values(metafile.outputs).reduce((sum, output) => sum + output.bytes, 0)
  return { bytes, packages: packagesOf(metafile) }
}

function packagesOf({ outputs }) {
  const folders = new Set()
  for (const { inputs } of Object.values(outputs))
    for (const [path, { bytesInOutput }] of Object.entries(inputs))
      if (bytesInOutput > 0 && path.includes('node_modules/')) folders.add(packageFolder(join(root, path)))
  return [...folders].sort()
}

/** The folder whose manifest names a package: nested manifests (`{"type":"module"}`) do not. */
function packageFolder(path) {
  for (let folder = dirname(path); folder !== root; folder = dirname(folder)) {
    try {
      if (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).name) return folder
    } catch {}
  }
  throw new Error(`${path} belongs to no package`)
}
