import { type ErrorCode, TrtllmError } from '@trtllm/kernels'
import { expect, it } from 'vitest'
import { exitCodeFor, Stopped } from './exit-code.js'

it.each<[ErrorCode, number]>([
  ['bad_flag', 64],
  ['out_of_range', 64],
  ['context_length_exceeded', 64],
  ['bad_checkpoint', 65],
  ['out_of_memory', 69],
  ['driver_too_old', 69],
  ['engine_died', 70],
  ['contradictory_config', 78],
  ['internal', 1],
])('%s ends with %i', (code, exitCode) => {
  expect(exitCodeFor(new TrtllmError(code, 'x'))).toBe(exitCode)
})

it('other errors end with 1, stopped commands with the code of their signal', () => {
  expect(exitCodeFor(new Error('x'))).toBe(1)
  expect(exitCodeFor(undefined)).toBe(1)
  expect(exitCodeFor(new Stopped('SIGINT', 130))).toBe(130)
})
