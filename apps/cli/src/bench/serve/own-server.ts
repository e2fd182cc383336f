import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseModelConfig } from '@trtllm/models'
import { resolveModel } from '@trtllm/models/checkpoint'
import { loadOptionsOf, type ModelFlags, modelOf } from '../../flags/model-flags.js'
import { planBench, type UniformCell, withSizes } from '../bench-plan.js'
import { madeUpTokenizer } from '../startup/made-up-tokenizer.js'
import { ServerProcess, serverFlags } from './server-process.js'

/** A server that was started for a benchmark. */
export interface OwnServer extends AsyncDisposable {
  readonly process: ServerProcess
  readonly vocabSize: number
  /** The flags with what was chosen for the cell. */
  readonly flags: ModelFlags
}

/**
 * Starts a server of the model that the flags name, with sizes for the cell where there is one. Made-up weights whose
 * folder has no tokenizer get one that is made up too: text has to be made of tokens all the same.
 */
export async function startOwnServer(
  flags: ModelFlags,
  cell: UniformCell | undefined,
  maxQueue: number,
  program: readonly string[],
  signal: AbortSignal,
): Promise<OwnServer> {
  const { loadFormat, revision } = flags
  const directory = await resolveModel(modelOf(flags), {
    weights: loadFormat !== 'dummy',
    ...(revision !== undefined && { revision }),
    signal,
  })
  const { vocabSize } = (await parseModelConfig(directory)).config
  const plan = cell && (await planBench(modelOf(flags), loadOptionsOf(flags), cell))
  const folder = mkdtempSync(join(tmpdir(), 'trtllm-bench-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    const isMadeUp = loadFormat === 'dummy' && flags.tokenizer === undefined
    if (isMadeUp) writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(madeUpTokenizer(vocabSize)))
    const sized = { ...(plan ? withSizes(flags, plan) : flags), ...(isMadeUp && { tokenizer: folder }) }
    const process = await ServerProcess.start(program, serverFlags(sized, maxQueue), signal)
    const dispose = async () => {
      await process[Symbol.asyncDispose]()
      remove()
    }
    return { process, vocabSize, flags: sized, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    remove()
    throw error
  }
}
