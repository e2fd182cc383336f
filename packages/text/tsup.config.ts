import { defineConfig } from 'tsup'

export default defineConfig({
  // The worker is started by file name: it is an entry of its own.
  entry: ['src/index.ts', 'src/encode-worker.ts'],
  format: ['esm', 'cjs'],
  // What is internal names types of libraries whose declarations ask for `skipLibCheck`.
  dts: { entry: 'src/index.ts', compilerOptions: { stripInternal: true } },
  sourcemap: true,
  clean: true,
  target: 'node20',
  shims: true,
})
