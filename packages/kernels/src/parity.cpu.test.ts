import { expect, it } from 'vitest'
import { cpuIsa, Device } from './index.js'
import { ops } from './ops.generated.js'
import { runParity } from './parity.js'
import { runRowBits } from './row-bits.js'

const faster = cpuIsa().all.filter((isa) => isa !== 'scalar')

it.each(faster)('every case of every op agrees with the scalar reference on %s', async (isa) => {
  using device = Device.open('cpu', { isa, threads: 2 })
  using reference = Device.open('cpu', { isa: 'scalar', threads: 2 })
  const seen: string[] = []
  const rows = await runParity(device, reference, undefined, ({ op }) => seen.push(op))
  expect(rows.filter(({ ok }) => !ok)).toEqual([])
  expect(new Set(seen).size).toBe(Object.keys(ops).length)
})

it.each([cpuIsa().best])('rows have the same bits alone as among others on %s', async (isa) => {
  using device = Device.open('cpu', { isa, threads: 2 })
  const found = await runRowBits(device)
  expect(found.filter(({ error, differing }) => error !== undefined || differing > 0)).toEqual([])
  const seen = new Set(found.filter(({ rows }) => rows > 0).map(({ op }) => op))
  for (const op of ['linear', 'paged-attention', 'rms-norm', 'rope', 'sample', 'logprobs', 'embed'])
    expect(seen).toContain(op)
})
