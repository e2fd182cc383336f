// After an install: `npx trtllm`, `npx trtllm-bench` and `npx trtllm-serve` at the root are the commands of this workspace, and a program
// anywhere in the clone can import `trtllm`. They are no dependencies of the root, because turbo would then rebuild
// everything for every change of theirs.
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, 'node_modules', '.bin')
mkdirSync(folder, { recursive: true })
for (const app of ['cli', 'serve']) {
  const home = join(root, 'apps', app)
  const { bin } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  for (const [name, file] of Object.entries(bin)) {
    rmSync(join(folder, name), { force: true })
    symlinkSync(relative(folder, join(home, file)), join(folder, name))
  }
}

const library = join(root, 'node_modules', 'trtllm')
rmSync(library, { force: true })
symlinkSync(relative(join(root, 'node_modules'), join(root, 'packages', 'trtllm')), library)
