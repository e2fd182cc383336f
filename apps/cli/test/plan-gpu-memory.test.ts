import { describe, expect, it } from 'vitest'
import { parseGpuMemory } from '../src/plan/gpu-memory.js'

describe('--gpu-memory', () => {
  it.each([
    ['85899345920', 80 * 2 ** 30],
    ['80GiB', 80 * 2 ** 30],
    ['80 gib', 80 * 2 ** 30],
    ['80G', 80 * 2 ** 30],
    ['80GB', 80e9],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['512MiB', 512 * 2 ** 20],
    ['H200', 143_771 * 2 ** 20],
    ['a100-40gb', 40_960 * 2 ** 20],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parseGpuMemory(text).bytes).toBe(bytes)
  })

  it.each(['', '0', '-1', '80 XB', 'GiB', '1e400', 'constructor', '99999999999999999999'])(
    '%j is refused',
    (text) => {
      expect(() => parseGpuMemory(text)).toThrow(expect.objectContaining({ exitCode: 64 }) as Error)
    },
  )
})
