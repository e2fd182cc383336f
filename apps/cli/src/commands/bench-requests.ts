import { TrtllmError } from '@trtllm/kernels'
import type { Command as Program } from 'commander'
import { type LLM, version } from 'trtllm'
import { planBench, rooflineReport, type UniformCell, withSizes } from '../bench/bench-plan.js'
import { benchReport, reportLines } from '../bench/bench-report.js'
import { commitOfBuild } from '../bench/commit.js'
import { engineTimes } from '../bench/engine-times.js'
import { watchGpu } from '../bench/gpu-watch.js'
import { hostFacts } from '../bench/machine.js'
import { rooflineLines } from '../bench/roofline-lines.js'
import { type RequestRecord, runRequests } from '../bench/run-requests.js'
import { type BenchRequest, randomRequests, readRequests, warmupRequests } from '../bench/workload.js'
import type { Cli } from '../command.js'
import { addModelFlags, loadOptionsOf, type ModelFlags, modelNameOf, modelOf } from '../flags/model-flags.js'
import { integerFlag } from '../flags/value-flags.js'
import { openModel } from '../open-model.js'
import { openProgress } from '../progress.js'
import { checkJsonFlag, giveReport, type JsonFlag, jsonFlag } from '../report.js'

interface BenchFlags extends ModelFlags {
  readonly isl?: number
  readonly osl?: number
  readonly numRequests?: number
  readonly dataset?: string
  readonly concurrency?: number
  readonly warmup: number
  readonly json?: JsonFlag
}

const million = 1_000_000

/** `trtllm bench throughput` and `trtllm bench latency`: the same run, with all requests at once or one at a time. */
export function configureBench(program: Program, cli: Cli, isLatency: boolean): void {
  program.description(
    isLatency
      ? 'One request at a time: time to the first token, and between tokens.'
      : 'All requests at once: tokens a second from the first start to the last end.',
  )
  addModelFlags(program)
    .addOption(integerFlag('--isl <tokens>', 'length of prompts of random ids (default 128)', 1, million))
    .addOption(
      integerFlag('--osl <tokens>', 'length of answers; end ids are ignored (default 128)', 1, million),
    )
    .addOption(
      integerFlag(
        '--num-requests <count>',
        `requests (default ${usualRequests(isLatency)}; a dataset: all)`,
        1,
        million,
      ),
    )
    .option('--dataset <file>', 'JSONL of {"input_ids" or "prompt", "output_tokens"} instead of random ids')
    .addOption(
      integerFlag(
        '--concurrency <count>',
        `requests at a time (default ${isLatency ? 1 : 'all'})`,
        1,
        million,
      ),
    )
    .addOption(integerFlag('--warmup <count>', 'requests before the clock starts', 0, million).default(2))
    .addOption(jsonFlag())
    .action(cli.run((flags: BenchFlags) => runBench(flags, cli, isLatency)))
}

async function runBench(flags: BenchFlags, cli: Cli, isLatency: boolean): Promise<number> {
  checkJsonFlag(flags.json)
  if (flags.dataset !== undefined && (flags.isl ?? flags.osl) !== undefined)
    throw new TrtllmError('bad_flag', '--dataset has lengths of its own; leave --isl and --osl out')
  const concurrency = flags.concurrency ?? (isLatency ? 1 : Number.POSITIVE_INFINITY)
  const { isl = 128, osl = 128, dataset } = flags
  const cell: UniformCell = { requests: flags.numRequests ?? usualRequests(isLatency), isl, osl, concurrency }
  const plan = dataset === undefined ? await planBench(modelOf(flags), loadOptionsOf(flags), cell) : undefined
  // Random ids need no tokenizer, and made-up models often have none.
  const { llm } = await openModel(
    plan ? withSizes(flags, plan) : flags,
    cli,
    plan ? { tokenizer: false } : {},
  )
  try {
    const requests = requestsOf(flags, llm, isLatency)
    await using gpu = watchGpu(llm.info.device.kind, flags.device)
    const warmup = warmupRequests(requests, flags.warmup, llm.info.vocabSize)
    await runRequests(llm, warmup, { concurrency, signal: cli.signal })
    const before = await llm.getStats()
    gpu?.begin()
    const records = await timed(llm, requests, concurrency, cli)
    const machine = (await gpu?.stop()) ?? hostFacts()
    const after = await llm.getStats()
    const settings = {
      command: cli.commandLine,
      commit: commitOfBuild(),
      model: modelNameOf(flags),
      version,
      quant: flags.quant ?? 'none',
      policy: flags.capacitySchedulerPolicy ?? 'RESERVE_AND_GROW',
      kvFraction: flags.kvCacheFreeGpuMemoryFraction ?? null,
      isLatency,
    }
    const times = engineTimes(before.counters, after.counters)
    const measured = benchReport(records, llm.info, machine, settings, times)
    const { total_latency_ms: totalMs } = measured.performance
    const roofline = plan && rooflineReport(plan, cell, llm.info, totalMs)
    const text = `${reportLines(measured)}${roofline ? rooflineLines(roofline) : ''}`
    giveReport(flags.json, text, { ...measured, ...(roofline && { roofline }) }, cli.stdout)
    return 0
  } finally {
    await llm.close()
  }
}

const usualRequests = (isLatency: boolean): number => (isLatency ? 5 : 64)

function requestsOf(flags: BenchFlags, llm: LLM, isLatency: boolean): BenchRequest[] {
  const { isl = 128, osl = 128, dataset, numRequests } = flags
  const { vocabSize, maxSeqLen } = llm.info
  const requests =
    dataset === undefined
      ? randomRequests(numRequests ?? usualRequests(isLatency), isl, osl, vocabSize)
      : readRequests(dataset, (text) => llm.tokenizer.encode(text)).slice(0, numRequests)
  const long = requests.find(({ promptIds, outputTokens }) => promptIds.length + outputTokens > maxSeqLen)
  if (!long) return requests
  const found = `${long.promptIds.length} tokens in and ${long.outputTokens} out`
  throw new TrtllmError(
    'bad_flag',
    `a request of ${found} is longer than the ${maxSeqLen} tokens of a sequence`,
  )
}

async function timed(
  llm: LLM,
  requests: readonly BenchRequest[],
  concurrency: number,
  cli: Cli,
): Promise<RequestRecord[]> {
  const progress = openProgress(cli.stderr)
  let done = 0
  const onDone = () => progress.tell('requests', ++done, requests.length)
  try {
    return await runRequests(llm, requests, { concurrency, signal: cli.signal, onDone })
  } finally {
    progress.stop()
  }
}
