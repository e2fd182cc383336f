import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openCheckpoint } from './open-checkpoint.js'
import { weightsDigest } from './weights-digest.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weights-digest-'))
  cpSync(new URL('../../../tales/model', import.meta.url), folder, { recursive: true })
})
afterAll(() => rmSync(folder, { recursive: true }))

async function digest(): Promise<string> {
  using checkpoint = await openCheckpoint(folder)
  return weightsDigest(checkpoint)
}

it('changes with any end of any tensor, and not with anything else', async () => {
  const before = await digest()
  expect(before).toMatch(/^[0-9a-f]{64}$/)
  expect(await digest()).toBe(before)
  const file = join(folder, 'model-00002-of-00002.safetensors')
  const bytes = readFileSync(file)
  bytes[bytes.length - 1]! ^= 1
  writeFileSync(file, bytes)
  expect(await digest()).not.toBe(before)
})
