import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { opByName, ops } from './ops.generated.js'

it('generated files are those that the schemas give', () => {
  const script = fileURLToPath(new URL('../scripts/generate.mjs', import.meta.url))
  expect(execFileSync(process.execPath, [script, '--check'], { encoding: 'utf8' })).toBe('')
})

it('finds ops by name', () => {
  expect(opByName('rms-norm')).toBe(ops.rmsNorm)
  expect(opByName('conv')).toBeUndefined()
})
