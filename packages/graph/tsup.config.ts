import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts', 'src/layers.ts'],
  format: ['esm', 'cjs'],
  // Both entries share one copy of every class.
  splitting: true,
  dts: true,
  sourcemap: true,
  clean: true,
  target: 'node20',
  shims: true,
})
