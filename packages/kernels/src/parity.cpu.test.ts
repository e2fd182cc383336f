import { expect, it } from 'vitest'
import { cpuIsa, Device } from './index.js'
import { ops } from './ops.generated.js'
import { runParity } from './parity.js'

it.each(cpuIsa().all)('every case of every op agrees with the scalar reference on %s', async (isa) => {
  using device = Device.open('cpu', { isa, threads: 2 })
  using reference = Device.open('cpu', { isa: 'scalar', threads: 2 })
  const seen: string[] = []
  const rows = await runParity(device, reference, undefined, ({ op }) => seen.push(op))
  expect(rows.filter(({ ok }) => !ok)).toEqual([])
  expect(new Set(seen).size).toBe(Object.keys(ops).length)
})
