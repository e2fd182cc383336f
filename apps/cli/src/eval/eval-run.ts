import type { Command as Program } from 'commander'
import type { LLM, LoadOptions } from 'trtllm'
import type { Cli } from '../command.js'
import { listOfNames } from '../flags/list-of-names.js'
import { addModelFlags, type ModelFlags } from '../flags/model-flags.js'
import { openModel } from '../open-model.js'
import { openProgress } from '../progress.js'
import { checkJsonFlag, type JsonFlag, jsonFlag } from '../report.js'
import type { RunAllOptions } from './run-all.js'

/** What every kind of evaluation is told. */
export interface EvalFlags extends ModelFlags {
  readonly disabledPasses?: string
  readonly json?: JsonFlag
}

/** Adds the flags of `EvalFlags`. */
export const addEvalFlags = (program: Program): Program =>
  addModelFlags(program)
    .option('--disabled-passes <names>', 'graph passes to leave out, separated by commas; all = every one')
    .addOption(jsonFlag())

/** Loads the model of an evaluation. `more` are options that its kind decides. */
export async function openEvalModel(flags: EvalFlags, cli: Cli, more: LoadOptions = {}): Promise<LLM> {
  checkJsonFlag(flags.json)
  const { llm } = await openModel(flags, cli, { disabledPasses: listOfNames(flags.disabledPasses), ...more })
  return llm
}

/** Runs `work` with a progress bar over `total` items. */
export async function withProgress<Result>(
  { stderr, signal }: Cli,
  stage: string,
  total: number,
  work: (run: Omit<RunAllOptions, 'limit'>) => Promise<Result>,
): Promise<Result> {
  const progress = openProgress(stderr)
  let done = 0
  try {
    return await work({ signal, onDone: () => progress.tell(stage, ++done, total) })
  } finally {
    progress.stop()
  }
}

/** What a report says of the run: the model, where it ran, and the seconds since `startMs`. */
export function runFacts({ info }: LLM, startMs: number) {
  const { name: model, dtype, kvCacheDtype, device } = info
  const seconds = Math.round((performance.now() - startMs) / 10) / 100
  return { model, dtype, kv_cache_dtype: kvCacheDtype, device: device.kind, seconds }
}
