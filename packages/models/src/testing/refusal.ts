import type { PlacedParam } from '@trtllm/graph'
import { exitCodeOf, TrtllmError } from '@trtllm/kernels'
import { checkParams } from '../checkpoint/check-params.js'
import { openCheckpoint } from '../checkpoint/open-checkpoint.js'
import { type Damage, TinyCheckpoint, tinyTensors } from './damaged-checkpoint.js'

/** The params of the tiny model's plan, as much as the check reads: every tensor as it should be. */
export function tinyParams(): PlacedParam[] {
  return Object.entries(tinyTensors()).map(([name, { shape }]) => {
    const [rows, columns] = [shape[0]!, shape[1] ?? 1]
    const kind = shape.length === 1 ? 'vector' : 'matrix'
    const sources = [{ name, rows, columns, firstRow: 0 }]
    return { path: name, kind, dtype: 'f32', rows, columns, offset: 0, bytes: rows * columns * 4, sources }
  })
}

/** Message and exit code with which a damaged checkpoint is refused; paths are relative to its directory, DIR. */
export async function refusalOf(damage: Damage): Promise<[message: string, exitCode: number]> {
  using tiny = new TinyCheckpoint()
  damage(tiny)
  try {
    using checkpoint = await openCheckpoint(tiny.directory)
    checkParams(checkpoint, tinyParams())
  } catch (error) {
    if (!(error instanceof TrtllmError)) throw error
    return [
      error.message.replaceAll(`${tiny.directory}/`, '').replaceAll(tiny.directory, 'DIR'),
      exitCodeOf(error),
    ]
  }
  throw new Error('the damaged checkpoint was accepted')
}
