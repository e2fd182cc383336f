// Writes what is derived from the op schemas and src/sampling-words.ts: src/ops.generated.ts and native/generated/*.h.
//   node packages/kernels/scripts/generate.mjs          write
//   node packages/kernels/scripts/generate.mjs --check  exit 1 when a committed file differs
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { argv, exit } from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { opArgs, opList, opSchemas, opsModule, samplingHeader } from './generated-files.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Bundles the op modules and evaluates them: [{ folder, exportName, schema }] sorted by folder, and sampling words. */
async function loadSchemas() {
  const folders = readdirSync(join(root, 'ops'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
  const lines = folders.map((folder, i) => `export * as op${i} from './ops/${folder}/${folder}.op.ts'`)
  const contents = [...lines, `export * as sampling from './src/sampling-words.ts'`].join('\n')
  // tsup brings esbuild; neither is a dependency of the published package.
  const { build } = createRequire(createRequire(import.meta.url).resolve('tsup'))('esbuild')
  const bundle = await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    logLevel: 'error',
  })
  const module = await import(`data:text/javascript,${encodeURIComponent(bundle.outputFiles[0].text)}`)
  const ops = folders.map((folder, i) => {
    const schemas = Object.entries(module[`op${i}`]).filter(([, value]) => value?.name === folder)
    if (schemas.length !== 1) {
      throw new Error(`ops/${folder}/${folder}.op.ts must export one schema named '${folder}'`)
    }
    const [exportName, schema] = schemas[0]
    return { folder, exportName, schema }
  })
  return { ops, sampling: module.sampling }
}

/** Generated text by path relative to the package. */
export async function generate() {
  const { ops, sampling } = await loadSchemas()
  return {
    'src/ops.generated.ts': opsModule(ops),
    'native/generated/op-args.h': opArgs(ops),
    'native/generated/op-list.h': opList(ops),
    'native/generated/op-schemas.h': opSchemas(ops),
    'native/generated/sampling-words.h': samplingHeader(sampling),
  }
}

/** Paths whose committed text is not what the schemas say. */
export async function staleFiles() {
  const isStale = ([path, text]) => {
    try {
      return readFileSync(join(root, path), 'utf8') !== text
    } catch {
      return true
    }
  }
  return Object.entries(await generate())
    .filter(isStale)
    .map(([path]) => path)
}

if (argv[1] && import.meta.url === pathToFileURL(argv[1]).href) {
  if (argv.includes('--check')) {
    const stale = await staleFiles()
    if (stale.length > 0) {
      console.error(`out of date: ${stale.join(', ')}; run: pnpm gen`)
      exit(1)
    }
  } else {
    for (const [path, text] of Object.entries(await generate())) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
  }
}
