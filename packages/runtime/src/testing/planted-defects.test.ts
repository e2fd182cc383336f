import { describe, expect, it } from 'vitest'
import { hunt, type Life } from './plant.js'
import { plantedDefects } from './planted-defects.js'

const lives: Readonly<Record<'interleavings' | 'cancels' | 'deadlines', readonly Life[]>> = {
  interleavings: [
    ['interleavings', 1, 1200, {}],
    ['interleavings', 1, 400, { windows: true }],
  ],
  cancels: [['cancels', 1, 100]],
  deadlines: [['deadlines', 1, 500]],
}
const timeoutMs = 60_000

describe('random histories', () => {
  it.each(Object.values(lives))(
    'find nothing in the engine as it is',
    async (...all) => {
      expect(await hunt(undefined, all, timeoutMs)).toBeUndefined()
    },
    2 * timeoutMs,
  )

  it.each(plantedDefects)(
    'find an engine that $name',
    async (defect) => {
      expect(await hunt(defect, lives[defect.foundBy ?? 'interleavings'], timeoutMs)).toBeDefined()
    },
    2 * timeoutMs,
  )
})
