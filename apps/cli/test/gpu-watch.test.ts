import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { GpuWatch } from '../src/bench/gpu-watch.js'

const folder = mkdtempSync(join(tmpdir(), 'trtllm-watch-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A program that answers as nvidia-smi would and then goes on until it is ended. */
function program(name: string, lines: readonly string[]): string {
  const path = join(folder, name)
  const text = lines.map((line) => `echo '${line}'`).join('\n')
  writeFileSync(path, `#!/bin/sh\n${text}\nexec sleep 1000\n`)
  chmodSync(path, 0o755)
  return path
}

const constants = 'NVIDIA H200, 580.159.04, 143771, 700.00, 1980'

/** Resolves when the watch has read that many samples. */
async function samplesOf(watch: GpuWatch, count: number): Promise<void> {
  while (watch.samples < count) await new Promise((resolve) => setImmediate(resolve))
}

it('reports the spread of what was sampled since the beginning', async () => {
  const rows = [
    '1980, 3201, 699.5, 61, 140000',
    '1410, 3201, 693.66, 64, 140000',
    '1500, 3201, [N/A], 62, 140010',
  ]
  const watch = GpuWatch.start(
    0,
    program(
      'smi',
      rows.map((row) => `${constants}, ${row}`),
    ),
  )
  await samplesOf(watch, 3)
  expect(await watch.stop()).toEqual({
    name: 'NVIDIA H200',
    driver: '580.159.04',
    samples: 3,
    'memory.total': '143771 MiB',
    'power.limit': '700.00 W',
    'clocks.max.sm': '1980 MHz',
    'clocks.sm': { minimum: 1410, median: 1500, maximum: 1980 },
    'clocks.mem': { minimum: 3201, median: 3201, maximum: 3201 },
    'power.draw': { minimum: 693.66, median: 699.5, maximum: 699.5 },
    'temperature.gpu': { minimum: 61, median: 62, maximum: 64 },
    'memory.used': { minimum: 140_000, median: 140_000, maximum: 140_010 },
  })
})

it('what was sampled before the beginning does not count', async () => {
  const watch = GpuWatch.start(0, program('early', [`${constants}, 345, 3201, 90, 30, 10`]))
  await samplesOf(watch, 1)
  watch.begin()
  const found = await watch.stop()
  expect(found).toMatchObject({ name: 'NVIDIA H200', samples: 0, 'power.limit': '700.00 W' })
  expect(found).not.toHaveProperty('clocks.sm')
})

it.each([
  ['a program that is not there', join(folder, 'none')],
  ['one that says something else', program('other', ['No devices were found'])],
])('%s reports nothing', async (_, path) => {
  expect(await GpuWatch.start(0, path).stop()).toBeUndefined()
})
