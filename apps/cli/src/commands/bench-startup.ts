import { text as readAll } from 'node:stream/consumers'
import { resolveModel } from '@trtllm/models/checkpoint'
import type { Command as Program } from 'commander'
import { usableDevice } from '../bench/bench-plan.js'
import { commitOfBuild } from '../bench/commit.js'
import { watchGpu } from '../bench/gpu-watch.js'
import { hostFacts } from '../bench/machine.js'
import { firstToken } from '../bench/startup/first-token.js'
import { makeCheckpoint } from '../bench/startup/make-checkpoint.js'
import { readIntoCache } from '../bench/startup/read-into-cache.js'
import { type FirstTokenTask, runProgram } from '../bench/startup/run-program.js'
import { medianRun, type StartupTimes, startupLines, startupTimes } from '../bench/startup/startup-report.js'
import type { Cli } from '../command.js'
import { addModelFlags, loadOptionsOf, type ModelFlags, modelNameOf, modelOf } from '../flags/model-flags.js'
import { integerFlag } from '../flags/value-flags.js'
import { openProgress } from '../progress.js'
import { checkJsonFlag, giveReport, type JsonFlag, jsonFlag } from '../report.js'

interface StartupFlags extends ModelFlags {
  readonly makeCheckpoint?: string
  readonly runs: number
  readonly isl: number
  readonly json?: JsonFlag
}

/** `trtllm bench startup`: from the start of a process to its first token, weights in the page cache. */
export function configureBenchStartup(program: Program, cli: Cli): void {
  program.description(
    'Start a process of its own, load a model whose files are in the page cache, wait for one token.',
  )
  addModelFlags(program)
    .option(
      '--make-checkpoint <folder>',
      'first write random weights of the model’s shape there, and load those',
    )
    .addOption(integerFlag('--runs <count>', 'processes, one after the other', 1, 100).default(3))
    .addOption(integerFlag('--isl <tokens>', 'length of the prompt', 1, 1_000_000).default(128))
    .addOption(jsonFlag())
    .action(cli.run((flags: StartupFlags) => runBenchStartup(flags, cli)))
}

/** `trtllm bench first-token`: the process that `bench startup` starts. */
export function configureFirstToken(program: Program, cli: Cli): void {
  program.action(
    cli.run(async () => {
      const { model, options, isl, spawnedAtMs } = JSON.parse(await readAll(cli.stdin)) as FirstTokenTask
      cli.stdout.write(JSON.stringify(await firstToken(model, options, isl, spawnedAtMs)))
      return 0
    }),
  )
}

async function runBenchStartup(flags: StartupFlags, cli: Cli): Promise<number> {
  checkJsonFlag(flags.json)
  const options = loadOptionsOf(flags)
  const directory = await checkpointOf(flags, cli)
  const weightsBytes = readIntoCache(directory)
  const runs: StartupTimes[] = []
  await using gpu = watchGpu(usableDevice(options.device))
  for (let run = 0; run < flags.runs; run++) {
    cli.signal.throwIfAborted()
    const task = { model: directory, options, isl: flags.isl }
    runs.push(startupTimes(await runProgram(cli.program, task, cli.signal)))
  }
  const report = {
    command: cli.commandLine,
    commit: commitOfBuild(),
    engine: { model_path: modelNameOf(flags), weights_bytes: weightsBytes },
    machine: { ...(await gpu?.stop()), ...hostFacts() },
    ...medianRun(runs),
    runs,
  }
  giveReport(flags.json, startupLines(runs, weightsBytes), report, cli.stdout)
  return 0
}

async function checkpointOf(flags: StartupFlags, cli: Cli): Promise<string> {
  const { makeCheckpoint: target, revision } = flags
  const directory = await resolveModel(modelOf(flags), {
    weights: target === undefined && flags.loadFormat !== 'dummy',
    ...(revision !== undefined && { revision }),
  })
  if (target === undefined) return directory
  const progress = openProgress(cli.stderr)
  try {
    await makeCheckpoint(directory, target, (done, total) => progress.tell('writing weights', done, total))
  } finally {
    progress.stop()
  }
  return target
}
