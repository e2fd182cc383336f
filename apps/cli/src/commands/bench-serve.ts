import { TrtllmError } from '@trtllm/kernels'
import type { Command as Program } from 'commander'
import { version } from 'trtllm'
import { usableDevice } from '../bench/bench-plan.js'
import { commitOfBuild } from '../bench/commit.js'
import { watchGpu } from '../bench/gpu-watch.js'
import { hostFacts, machineLine } from '../bench/machine.js'
import { startOwnServer } from '../bench/serve/own-server.js'
import { serverSeconds } from '../bench/serve/process-times.js'
import { type LoadResult, runLoad } from '../bench/serve/run-load.js'
import { type ServerSeconds, serveLines, serveMetrics } from '../bench/serve/serve-report.js'
import { servedModel } from '../bench/serve/served-model.js'
import type { Target } from '../bench/serve/stream-request.js'
import { randomServed, readDataset, type ServedRequest } from '../bench/workload.js'
import type { Cli } from '../command.js'
import { addModelFlags, type ModelFlags, modelNameOf } from '../flags/model-flags.js'
import { integerFlag, numberFlag } from '../flags/value-flags.js'
import { openProgress } from '../progress.js'
import { checkJsonFlag, giveReport, type JsonFlag, jsonFlag } from '../report.js'

interface ServeFlags extends ModelFlags {
  readonly url?: string
  readonly apiKey?: string
  readonly vocabSize?: number
  readonly isl?: number
  readonly osl?: number
  readonly numRequests: number
  readonly dataset?: string
  readonly concurrency?: number
  readonly requestRate?: number
  readonly warmup: number
  readonly json?: JsonFlag
}

const million = 1_000_000

/** Random ids below this are in nearly every vocabulary. */
const usualVocabSize = 1000

/** `trtllm bench serve`: a load over HTTP, against a server that runs or one of its own. */
export function configureBenchServe(program: Program, cli: Cli): void {
  program.description(
    'Send streamed completions over HTTP to --url, or to a trtllm-serve that is started for it.',
  )
  addModelFlags(program)
    .option('--url <url>', 'a server that runs: http://host:port (default: start one of --model)')
    .option('--api-key <key>', 'key of that server')
    .addOption(integerFlag('--vocab-size <count>', 'ids that prompts draw from; goes with --url', 2, million))
    .addOption(integerFlag('--isl <tokens>', 'length of prompts of random ids (default 128)', 1, million))
    .addOption(
      integerFlag('--osl <tokens>', 'length of answers; end ids are ignored (default 128)', 1, million),
    )
    .addOption(
      integerFlag('--num-requests <count>', 'requests; of a dataset at most', 1, million).default(256),
    )
    .option('--dataset <file>', 'JSONL of {"input_ids" or "prompt", "output_tokens"} instead of random ids')
    .addOption(integerFlag('--concurrency <count>', 'requests at a time, at most (default all)', 1, million))
    .addOption(
      numberFlag('--request-rate <number>', 'requests a second that arrive by chance', 0.001, million),
    )
    .addOption(integerFlag('--warmup <count>', 'requests before the clock starts', 0, million).default(16))
    .addOption(jsonFlag())
    .action(cli.run((flags: ServeFlags) => runBenchServe(flags, cli)))
}

async function runBenchServe(flags: ServeFlags, cli: Cli): Promise<number> {
  checkJsonFlag(flags.json)
  if (flags.dataset !== undefined && (flags.isl ?? flags.osl) !== undefined)
    throw new TrtllmError('bad_flag', '--dataset has lengths of its own; leave --isl and --osl out')
  return flags.url === undefined ? await withOwnServer(flags, cli) : await againstUrl(flags, flags.url, cli)
}

async function againstUrl(flags: ServeFlags, given: string, cli: Cli): Promise<number> {
  const url = given.replace(/\/+$/, '')
  const target = { url, apiKey: flags.apiKey, model: await servedModel(url, flags.apiKey, flags.model) }
  const result = await load(target, flags, flags.vocabSize ?? usualVocabSize, cli)
  return report(flags, cli, { model: target.model, url }, hostFacts(), result)
}

async function withOwnServer(flags: ServeFlags, cli: Cli): Promise<number> {
  const { numRequests: requests, dataset, isl = 128, osl = 128, concurrency = Infinity } = flags
  const cell = dataset === undefined ? { requests, isl, osl, concurrency } : undefined
  await using gpu = watchGpu(usableDevice(flags.device))
  await using server = await startOwnServer(flags, cell, requests, cli.program, cli.signal)
  const { url, model, pid } = server.process
  let before: ServerSeconds | undefined
  const result = await load({ url, model }, flags, server.vocabSize, cli, () => {
    before = serverSeconds(pid)
    gpu?.begin()
  })
  const machine = (await gpu?.stop()) ?? hostFacts()
  const after = serverSeconds(pid)
  const seconds = before &&
    after && { front: after.front - before.front, engine: after.engine - before.engine }
  const { maxBatchSize, maxNumTokens, maxSeqLen } = server.flags
  const engine = {
    ...{ model, model_path: modelNameOf(flags), version, backend: usableDevice(flags.device) },
    ...{ dtype: flags.dtype ?? 'auto', kv_cache_dtype: flags.kvCacheDtype ?? 'auto' },
    quantization: flags.quant ?? 'none',
    ...{ max_batch_size: maxBatchSize, max_num_tokens: maxNumTokens, max_seq_len: maxSeqLen },
  }
  return report(flags, cli, engine, machine, result, seconds)
}

/** Warms up and runs the load. */
async function load(
  target: Omit<Target, 'agent'>,
  flags: ServeFlags,
  vocabSize: number,
  cli: Cli,
  onWarm = () => {},
): Promise<LoadResult> {
  const { isl = 128, osl = 128, dataset, numRequests, warmup, concurrency = Infinity } = flags
  const { signal } = cli
  const requests: readonly ServedRequest[] =
    dataset === undefined
      ? randomServed(1, numRequests, isl, osl, vocabSize)
      : readDataset(dataset).slice(0, numRequests)
  // The cache must not have the run's prompts: others warm up.
  const warming = randomServed(-warmup, warmup, isl, osl, vocabSize)
  await runLoad(target, warming, { concurrency, requestRate: Infinity, signal })
  onWarm()
  const progress = openProgress(cli.stderr)
  let done = 0
  const onDone = () => progress.tell('requests', ++done, requests.length)
  try {
    return await runLoad(target, requests, {
      concurrency,
      requestRate: flags.requestRate ?? Infinity,
      signal,
      onDone,
    })
  } finally {
    progress.stop()
  }
}

function report(
  { json, requestRate = Infinity }: ServeFlags,
  cli: Cli,
  engine: object,
  machine: object,
  result: LoadResult,
  seconds?: ServerSeconds,
): number {
  const metrics = serveMetrics(result, requestRate, seconds)
  const whole = { command: cli.commandLine, commit: commitOfBuild(), engine, machine, ...metrics }
  giveReport(json, `${machineLine(machine)}\n${serveLines(metrics)}`, whole, cli.stdout)
  return 0
}
