import type { Cli, Command } from '../command.js'
import { listOfNames } from '../flags/list-of-names.js'
import {
  dtypeFlag,
  kvCacheDtypeFlag,
  loadOptionsOf,
  type ModelFlags,
  modelOf,
  quantFlag,
} from '../flags/model-flags.js'
import { integerFlag, numberFlag } from '../flags/value-flags.js'
import { planModelMemory } from '../plan/plan-model-memory.js'
import { memoryText, planJson, planText } from '../plan/plan-text.js'
import { checkJsonFlag, giveReport, type JsonFlag, jsonFlag } from '../report.js'

interface PlanFlags extends ModelFlags {
  readonly tp?: number
  readonly gpuMemory?: string
  readonly disabledPasses?: string
  /** False after `--no-graph`. */
  readonly graph: boolean
  readonly json?: JsonFlag
}

const million = 1_000_000

/** `trtllm plan`: what a model would run and what memory it would take. */
export const plan: Command = {
  name: 'plan',
  summary: 'Show what a model would run and what memory it would take; loads no weights.',
  example: 'plan --model ./model --tp 2 --gpu-memory h200',
  configure(program, cli) {
    program
      .option('--model <model>', 'folder, config.json or hub id (default: the embedded model)')
      .addOption(integerFlag('--tp <count>', 'GPUs to split the model over; shows one of them', 1, 1024))
      .option('--device <device>', 'null (a GPU that is not there), cpu, cuda, cuda:N or auto', 'null')
      .option('--gpu-memory <size>', 'memory of a GPU: h200, h100, 80GiB, ... or bytes (default h200)')
      .addOption(dtypeFlag())
      .addOption(quantFlag())
      .addOption(kvCacheDtypeFlag())
      .addOption(integerFlag('--max-batch-size <count>', 'sequences run at once', 1, 4096))
      .addOption(integerFlag('--max-num-tokens <count>', 'tokens of one step', 1, million))
      .addOption(
        integerFlag('--max-seq-len <count>', 'longest prompt plus answer, in tokens', 2, 10 * million),
      )
      .addOption(
        numberFlag('--kv-cache-free-gpu-memory-fraction <fraction>', 'share for the KV cache', 0.001, 1),
      )
      .option('--disabled-passes <names>', 'graph passes to leave out, separated by commas; all = every one')
      .option('--no-graph', 'leave out the nodes')
      .addOption(jsonFlag())
      .action(cli.run((flags: PlanFlags) => runPlan(flags, cli)))
  },
}

/** 69 where the model does not fit. */
async function runPlan(flags: PlanFlags, { stdout }: Cli): Promise<number> {
  const { graph, json, tp: ranks = 1, gpuMemory } = flags
  checkJsonFlag(json)
  const planned = await planModelMemory({
    model: modelOf(flags),
    load: { ...loadOptionsOf(flags), disabledPasses: listOfNames(flags.disabledPasses) },
    ...{ ranks, gpuMemory },
  })
  const text = `${planText(planned, { graph })}\n${memoryText(planned)}`
  giveReport(json, text, planJson(planned, { graph }), stdout)
  return planned.refusal === undefined ? 0 : 69
}
