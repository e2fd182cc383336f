import { TrtllmError } from '@trtllm/kernels'
import { resolveModel } from '@trtllm/models/checkpoint'
import type { Command as Program } from 'commander'
import { checkLoadOptions, engineConfig } from 'trtllm/plan-model'
import { commitOfBuild } from '../bench/commit.js'
import { watchGpu } from '../bench/gpu-watch.js'
import { answerTokens, HostBench } from '../bench/host/host-bench.js'
import { type HostCosts, hostCosts, hostLines } from '../bench/host/host-report.js'
import { hostFacts } from '../bench/machine.js'
import type { Cli } from '../command.js'
import { addModelFlags, loadOptionsOf, type ModelFlags, modelNameOf, modelOf } from '../flags/model-flags.js'
import { countsFlag, integerFlag } from '../flags/value-flags.js'
import { openProgress } from '../progress.js'
import { checkJsonFlag, giveReport, type JsonFlag, jsonFlag } from '../report.js'

interface HostFlags extends ModelFlags {
  readonly batches?: readonly number[]
  readonly isl: number
  readonly steps: number
  readonly json?: JsonFlag
}

const usualBatches = { null: [1, 64, 512, 1024, 2048], other: [1, 64] }

/** `trtllm bench host`: what a step costs the engine's thread, and how much of it the device waits for. */
export function configureBenchHost(program: Program, cli: Cli): void {
  program.description(
    'Work of the host for each step (schedule, build, submit, complete, send), and what the device waits for it.',
  )
  addModelFlags(program)
    .addOption(countsFlag('--batches <counts>', 'sequences that decode, separated by commas', 4096))
    .addOption(integerFlag('--isl <tokens>', 'length of their prompts', 1, 1_000_000).default(128))
    .addOption(integerFlag('--steps <count>', 'steps that count', 1, 100_000).default(512))
    .addOption(jsonFlag())
    .action(cli.run((flags: HostFlags) => runBenchHost(flags, cli)))
}

async function runBenchHost(flags: HostFlags, cli: Cli): Promise<number> {
  checkJsonFlag(flags.json)
  const { isl, steps } = flags
  const load = loadOptionsOf({
    ...flags,
    loadFormat: flags.loadFormat ?? 'dummy',
    device: flags.device ?? 'null',
  })
  const batches = flags.batches ?? (load.device === 'null' ? usualBatches.null : usualBatches.other)
  const most = Math.max(...batches)
  const maxNumTokens = load.maxNumTokens ?? Math.max(8192, 2 * most)
  const maxSeqLen =
    load.maxSeqLen ?? isl + Math.max(...batches.map((batch) => answerTokens(batch, isl, steps, maxNumTokens)))
  const wanted = { ...load, maxBatchSize: load.maxBatchSize ?? most, maxNumTokens, maxSeqLen }
  if (wanted.maxBatchSize < most)
    throw new TrtllmError('bad_flag', `--max-batch-size ${wanted.maxBatchSize} is below a batch of ${most}`)
  checkLoadOptions(wanted)
  const { revision } = load
  const directory = await resolveModel(modelOf(flags), {
    weights: load.loadFormat !== 'dummy',
    ...(revision !== undefined && { revision }),
  })
  const progress = openProgress(cli.stderr)
  const rows: HostCosts[] = []
  try {
    await using bench = await HostBench.open(engineConfig(directory, wanted), progress.tell)
    const { info } = bench.engine.model
    await using gpu = watchGpu(info.device.kind, load.device)
    for (const batch of batches) {
      cli.signal.throwIfAborted()
      rows.push(hostCosts(await bench.run(batch, isl, steps)))
    }
    const report = {
      command: cli.commandLine,
      commit: commitOfBuild(),
      engine: {
        model: info.name,
        model_path: modelNameOf(flags),
        backend: info.device.kind,
        dtype: info.dtype,
      },
      machine: { ...(await gpu?.stop()), ...hostFacts() },
      isl,
      batches: rows,
    }
    progress.stop()
    giveReport(flags.json, hostLines(rows), report, cli.stdout)
    return 0
  } finally {
    progress.stop()
  }
}
