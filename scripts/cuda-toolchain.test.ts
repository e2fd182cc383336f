import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { architectureOf, cudaChoice, findNvcc } from './cuda-toolchain.mjs'

const nvcc = '/usr/local/cuda/bin/nvcc'
const machine = { wanted: false, refused: false, nvcc: undefined, capabilities: [], archs: undefined }

test.each([
  ['no GPU', {}, 'off', undefined, 'CPU only (no GPU)'],
  ['nvcc, but no GPU', { nvcc }, 'off', undefined, 'CPU only (no GPU)'],
  ['a GPU and nvcc', { nvcc, capabilities: ['9.0'] }, 'on', '90a', 'CUDA for sm_90a'],
  ['two kinds of GPU', { nvcc, capabilities: ['8.0', '8.9', '8.0'] }, 'on', '80;89', 'CUDA for sm_80, sm_89'],
  [
    'a GPU that is not to be used',
    { nvcc, capabilities: ['9.0'], refused: true },
    'off',
    undefined,
    'CPU only (--device cpu)',
  ],
  [
    'a GPU without nvcc',
    { capabilities: ['9.0'] },
    'off',
    undefined,
    'CPU only (a GPU, but no nvcc: install the CUDA toolkit to use it)',
  ],
  [
    'an old GPU',
    { nvcc, capabilities: ['7.5'] },
    'off',
    undefined,
    'CPU only (no kernels for a GPU of compute capability 7.5)',
  ],
  ['--cuda without a GPU', { nvcc, wanted: true, refused: true }, 'on', '90a', 'CUDA for sm_90a'],
  ['--cuda with a list', { nvcc, wanted: true, archs: '80;90a' }, 'on', '80;90a', 'CUDA for sm_80, sm_90a'],
])('%s', (_what, given, cuda, archs, why) => {
  const choice = cudaChoice({ ...machine, ...given })
  const env = archs === undefined ? { TRTLLM_CUDA: cuda } : { TRTLLM_CUDA: cuda, TRTLLM_CUDA_ARCHS: archs }
  expect(choice).toEqual({ env, why })
})

test('--cuda without nvcc is refused', () => {
  expect(() => cudaChoice({ ...machine, wanted: true })).toThrow('--cuda needs nvcc')
})

test('every GPU since Ampere has an architecture', () => {
  const all = ['8.0', '8.6', '8.7', '8.9', '9.0', '10.0', '10.3', '12.0', '12.1', '7.5', '11.0']
  const names = ['80', '86', '86', '89', '90a', '100f', '100f', '120f', '120f', undefined, undefined]
  expect(all.map(architectureOf)).toEqual(names)
})

test('an nvcc that does not run is passed over', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trtllm-nvcc-'))
  try {
    for (const [name, status] of [
      ['broken', 1],
      ['good', 0],
    ] as const) {
      mkdirSync(join(folder, name, 'bin'), { recursive: true })
      writeFileSync(join(folder, name, 'bin/nvcc'), `#!/bin/sh\nexit ${status}\n`, { mode: 0o755 })
    }
    const found = findNvcc({ CUDA_HOME: join(folder, 'broken'), PATH: join(folder, 'good/bin') })
    expect(found).toBe(join(folder, 'good/bin/nvcc'))
  } finally {
    rmSync(folder, { recursive: true })
  }
})
