import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { cpuIsa, cudaStatus, Device, listDevices } from './index.js'

const release = new URL('../build/Release/', import.meta.url)

/** Version names and library names are plain strings in an ELF file. */
const stringsOf = (file: string): string => readFileSync(new URL(file, release), 'latin1')

it.each(['trtllm_kernels.node', 'libtrtllm_cuda.so'])(
  '%s runs with glibc 2.34 and brings its own C++ library',
  (file) => {
    if (!existsSync(new URL(file, release))) return // CUDA is optional
    const text = stringsOf(file)
    const needed = [...text.matchAll(/\0GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor))
    expect(Math.max(...needed)).toBeLessThanOrEqual(34)
    expect(text).not.toMatch(/\0lib(stdc\+\+|gcc_s)\.so/)
  },
)

it('stays when the worker thread that loaded it ends', () => {
  const addon = fileURLToPath(new URL('trtllm_kernels.node', release))
  const program = `
    const { Worker } = require('node:worker_threads')
    const worker = new Worker('require(require("node:worker_threads").workerData)', { eval: true, workerData: process.argv[1] })
    worker.on('exit', () => console.log(require('node:fs').readFileSync('/proc/self/maps', 'utf8').includes(process.argv[1])))
  `
  expect(execFileSync(process.execPath, ['-e', program, addon], { encoding: 'utf8' })).toBe('true\n')
})

it('offers the kernels this processor runs', () => {
  const { best, all } = cpuIsa()
  expect(all[0]).toBe('scalar')
  expect(all.at(-1)).toBe(best)
  using device = Device.open('cpu', { isa: 'scalar', threads: 3 })
  expect(device.info()).toMatchObject({ detail: 'scalar kernels, 3 threads', units: 3 })
  expect(() => Device.open('cpu', { isa: 'mmx' })).toThrow("this processor cannot run the 'mmx' kernels")
})

it('TRTLLM_CPU_ISA chooses when the option does not', () => {
  process.env.TRTLLM_CPU_ISA = 'scalar'
  try {
    using device = Device.open('cpu', { threads: 1 })
    expect(device.info().detail).toBe('scalar kernels, 1 thread')
  } finally {
    delete process.env.TRTLLM_CPU_ISA
  }
})

it('describes CUDA whether or not it is there', () => {
  const status = cudaStatus()
  expect(status.libraries.map(({ name }) => name)).toEqual(['driver', 'cublasLt', 'nccl', 'nvml'])
  expect(status.loaded || status.error !== undefined).toBe(true)
  expect(listDevices()[0]).toMatchObject({ kind: 'cpu', ordinal: 0, computeCapability: 0 })
  if (status.devices === 0) {
    expect(() => Device.open('cuda')).toThrow(
      expect.objectContaining({ code: 'device_unavailable', exitCode: 69 }),
    )
  }
})

it('refuses memory that the machine does not have', () => {
  using device = Device.open('cpu', { memoryBytes: 1 << 20, threads: 1 })
  expect(() => device.allocate(2 << 20, 'kv cache')).toThrow(
    'kv cache: 2097152 bytes asked for, 1048576 of 1048576 free',
  )
  using small = device.allocate(1 << 19, 'half')
  expect(device.info().freeBytes).toBe(1 << 19)
  expect(small.bytes).toBe(1 << 19)
})
