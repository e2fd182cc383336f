import { defineConfig } from 'vitest/config'

const resolve = { conditions: ['source', 'import', 'default'] }
const ssr = { resolve }

/** A mistake to put into one source file: how tests of tests see whether anybody finds it. */
interface Planted {
  file: string
  find: string
  replace: string
}
const planted: Planted | undefined = process.env.TRTLLM_PLANT
  ? JSON.parse(process.env.TRTLLM_PLANT)
  : undefined
const plant = {
  name: 'plant',
  enforce: 'pre' as const,
  transform(code: string, id: string) {
    if (!planted || !id.endsWith(planted.file)) return undefined
    const { file, find, replace } = planted
    if (code.split(find).length !== 2) throw new Error(`${file} does not have the planted place once`)
    return code.replace(find, () => replace)
  },
}

/** A lane is a set of tests by what they need; file names choose the lane. */
const lane = (name: string, include: string[], exclude: string[] = []) => ({
  plugins: [plant],
  resolve,
  ssr,
  test: {
    name,
    include,
    exclude: ['**/node_modules/**', '**/dist/**', ...exclude],
    testTimeout: name === 'unit' ? 20_000 : 120_000,
    hookTimeout: 120_000,
    pool: 'forks' as const,
  },
})

export default defineConfig({
  test: {
    projects: [
      lane(
        'unit',
        ['packages/**/*.test.ts', 'apps/**/*.test.ts', 'scripts/**/*.test.ts'],
        ['**/*.null.test.ts', '**/*.cpu.test.ts', '**/*.e2e.test.ts'],
      ),
      lane('null', ['{packages,apps}/**/*.null.test.ts']),
      lane('cpu', ['{packages,apps}/**/*.cpu.test.ts']),
      lane('e2e', ['{packages,apps,examples,scripts}/**/*.e2e.test.ts']),
    ],
  },
})
