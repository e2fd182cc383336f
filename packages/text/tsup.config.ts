import { defineConfig } from 'tsup'

export default defineConfig({
  // The worker is started by file name: it is an entry of its own.
  entry: ['src/index.ts', 'src/encode-worker.ts'],
  format: ['esm', 'cjs'],
  dts: { entry: 'src/index.ts' },
  sourcemap: true,
  clean: true,
  target: 'node20',
  shims: true,
})
