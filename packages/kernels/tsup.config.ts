import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts', 'src/file.ts'],
  format: ['esm', 'cjs'],
  // Declarations of every package lean on Node's types, and every package on this one.
  dts: { banner: '/// <reference types="node" />' },
  sourcemap: true,
  clean: true,
  target: 'node20',
  shims: true,
})
