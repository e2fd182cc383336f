import { defineConfig } from 'vitest/config'

const resolve = { conditions: ['source', 'import', 'default'] }
const ssr = { resolve }

/** A lane is a set of tests by what they need; file names choose the lane. */
const lane = (name: string, include: string[], exclude: string[] = []) => ({
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
