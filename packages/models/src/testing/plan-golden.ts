import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect } from 'vitest'

/**
 * A plan's text without the layers in its middle: where layers from `first` on repeat every `period`, which they must, their
 * lines differ in numbers only. The first layers stay, one period of those behind them, and the last layer.
 */
export function withoutMiddle(plan: string, numLayers: number, period: number, first = 1): string {
  const lines = plan.split('\n')
  const startOf = (layer: number): number =>
    lines.findIndex((line) => !line.startsWith(' ') && line.includes(`layers.${layer}.`))
  const to = startOf(numLayers - 1)
  const starts = Array.from({ length: numLayers - 1 }, (_, i) => startOf(i + 1))
  const textOf = (layer: number): string[] =>
    lines
      .slice(starts[layer - 1], starts[layer])
      .map((line) => line.replace(/%\d+/g, '%').replace(/layers\.\d+/g, 'layers.N'))
  for (let layer = first + period; layer < numLayers - 1; layer++) {
    expect(textOf(layer), `layer ${layer}`).toEqual(textOf(layer - period))
  }
  const keptLayers = Math.max(first, period)
  const kept = startOf(keptLayers)
  return [
    ...lines.slice(0, kept),
    `... ${to - kept} lines of layers ${keptLayers} to ${numLayers - 2} ...`,
    ...lines.slice(to),
  ].join('\n')
}

/** Compares with a stored text; `UPDATE_GOLDENS=1` stores a new one. */
export function expectGolden(file: string, text: string): void {
  if (process.env.UPDATE_GOLDENS === '1') {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  expect(existsSync(file), `${file} is missing; run with UPDATE_GOLDENS=1`).toBe(true)
  expect(text).toBe(readFileSync(file, 'utf8'))
}
