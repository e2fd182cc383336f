import { defineConfig } from 'tsup'

export default defineConfig({
  // The engine is started by file name, as a thread or a process: it is an entry of its own.
  entry: ['src/index.ts', 'src/plan-model.ts', 'src/engine-main.ts'],
  format: ['esm', 'cjs'],
  dts: { entry: ['src/index.ts', 'src/plan-model.ts'] },
  sourcemap: true,
  clean: true,
  target: 'node20',
  shims: true,
})
