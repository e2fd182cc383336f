import { expect, it } from 'vitest'
import { exitCodeOf, TrtllmError } from './errors.js'

it('load errors carry the exit code of the process, request errors none', () => {
  expect(new TrtllmError('bad_checkpoint', 'x').exitCode).toBe(65)
  expect('exitCode' in new TrtllmError('overloaded', 'x')).toBe(false)
})

it.each([
  [new TrtllmError('bad_flag', 'x'), 64],
  [new TrtllmError('driver_too_old', 'x'), 69],
  [new TrtllmError('engine_died', 'x'), 70],
  [new TrtllmError('contradictory_config', 'x'), 78],
  [new TrtllmError('internal', 'x'), 1],
  [new Error('x'), 1],
  ['x', 1],
])('%o ends the process with %i', (error, code) => {
  expect(exitCodeOf(error)).toBe(code)
})

it('keeps the cause', () => {
  const cause = new Error('why')
  expect(new TrtllmError('internal', 'x', { cause }).cause).toBe(cause)
})
