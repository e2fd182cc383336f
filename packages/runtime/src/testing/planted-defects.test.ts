import { describe, expect, it } from 'vitest'
import { hunt } from './plant.js'
import { plantedDefects } from './planted-defects.js'

const effort = { count: 400, options: [{}, { windows: true }], timeoutMs: 60_000 }

describe('random interleavings', () => {
  it('find nothing in the engine as it is', async () => {
    expect(await hunt(undefined, effort)).toBeUndefined()
  }, 120_000)

  it.each(plantedDefects)(
    'find an engine that $name',
    async (defect) => {
      expect(await hunt(defect, effort)).toBeDefined()
    },
    120_000,
  )
})
