import type { StepWork } from '@trtllm/graph'
import { TrtllmError } from '@trtllm/kernels'
import { resolveModel } from '@trtllm/models/checkpoint'
import type { Command as Program } from 'commander'
import { checkLoadOptions, engineConfig, type LoadedModel, loadModel } from 'trtllm/plan-model'
import { usableDevice } from '../bench/bench-plan.js'
import { commitOfBuild } from '../bench/commit.js'
import { watchGpu } from '../bench/gpu-watch.js'
import { callGroups } from '../bench/kernels/call-groups.js'
import { decodeStep, promptStep, roomFor } from '../bench/kernels/filled-step.js'
import {
  type KernelConstants,
  type KernelRow,
  kernelLines,
  kernelRow,
} from '../bench/kernels/kernels-report.js'
import { CallTimer } from '../bench/kernels/time-calls.js'
import { hostFacts } from '../bench/machine.js'
import { measureRoofline } from '../bench/measure-roofline.js'
import type { Cli } from '../command.js'
import { addModelFlags, loadOptionsOf, type ModelFlags, modelNameOf, modelOf } from '../flags/model-flags.js'
import { countsFlag, integerFlag } from '../flags/value-flags.js'
import { openProgress } from '../progress.js'
import { checkJsonFlag, giveReport, type JsonFlag, jsonFlag } from '../report.js'

interface KernelsFlags extends ModelFlags {
  readonly batches?: readonly number[]
  readonly context: number
  readonly prompt: number
  readonly json?: JsonFlag
}

/** `trtllm bench kernels`: every call of a model's step by itself, against what the device can do. */
export function configureBenchKernels(program: Program, cli: Cli): void {
  program.description('Each call of a decode step and of a prompt: time, rates, share of the measured bound.')
  addModelFlags(program)
    .addOption(countsFlag('--batches <counts>', 'sequences that decode, separated by commas', 4096))
    .addOption(integerFlag('--context <tokens>', 'tokens that each of them has', 1, 1_000_000).default(1024))
    .addOption(integerFlag('--prompt <tokens>', 'tokens of the prompt', 1, 1_000_000).default(2048))
    .addOption(jsonFlag())
    .action(cli.run((flags: KernelsFlags) => runBenchKernels(flags, cli)))
}

async function runBenchKernels(flags: KernelsFlags, cli: Cli): Promise<number> {
  checkJsonFlag(flags.json)
  const kind = usableDevice(flags.device)
  if (kind === 'null') throw new TrtllmError('bad_flag', '--device null takes no time; choose cpu or cuda')
  const batches = flags.batches ?? (kind === 'cpu' ? [1, 8] : [1, 64, 512])
  const steps = [...batches.map((batch) => decodeStep(batch, flags.context)), promptStep(flags.prompt)]
  const progress = openProgress(cli.stderr)
  try {
    using model = await open(flags, steps, progress.tell)
    const { device, compiled } = model
    const measured = await measureRoofline(device, compiled.graph.dtype, true)
    await using gpu = watchGpu(device.kind, flags.device)
    using timer = new CallTimer(model)
    const report: { title: string; calls: KernelRow[] }[] = []
    let constants: KernelConstants | undefined
    for (const step of steps) {
      const isPrompt = step === steps.at(-1)
      const title = isPrompt
        ? `a prompt of ${flags.prompt}`
        : `decode of ${step.sizes.seqs} at ${flags.context} tokens`
      await timer.setUp(step)
      constants ??= { ...measured, leastKernelS: await leastKernel(timer, model) }
      const groups = callGroups(compiled, step)
      const calls: KernelRow[] = []
      for (const [done, group] of groups.entries()) {
        cli.signal.throwIfAborted()
        progress.tell(title, done, groups.length)
        calls.push(kernelRow(group, await timer.seconds(group.nodes, group.before), constants))
      }
      report.push({ title, calls })
    }
    const whole = {
      command: cli.commandLine,
      commit: commitOfBuild(),
      engine: {
        ...{ model: model.info.name, model_path: modelNameOf(flags), backend: device.kind },
        ...{
          dtype: model.info.dtype,
          kv_cache_dtype: model.info.kvCacheDtype,
          quantization: flags.quant ?? 'none',
        },
      },
      machine: { ...(await gpu?.stop()), ...hostFacts() },
      roofline: constantsReport(constants!),
      steps: report,
    }
    progress.stop()
    giveReport(
      flags.json,
      report.map(({ title, calls }) => kernelLines(title, calls)).join('\n'),
      whole,
      cli.stdout,
    )
    return 0
  } finally {
    progress.stop()
  }
}

/** Loads the model with room for the steps. */
async function open(
  flags: KernelsFlags,
  steps: readonly StepWork[],
  progress: (stage: string, done: number, total: number) => void,
): Promise<LoadedModel> {
  const { sizes, context } = roomFor(steps)
  const load = { ...loadOptionsOf(flags), loadFormat: flags.loadFormat ?? ('dummy' as const) }
  const wanted = {
    ...load,
    maxBatchSize: Math.max(load.maxBatchSize ?? 1, sizes.seqs),
    maxNumTokens: Math.max(load.maxNumTokens ?? 64, sizes.tokens),
    maxSeqLen: Math.max(load.maxSeqLen ?? 1, context + 1),
  }
  checkLoadOptions(wanted)
  const { revision } = load
  const directory = await resolveModel(modelOf(flags), {
    weights: load.loadFormat !== 'dummy',
    ...(revision !== undefined && { revision }),
  })
  return await loadModel(engineConfig(directory, wanted), progress)
}

/** Seconds of a kernel that finds nothing to do: a step without deltas has one. The median, for clocks are still rising. */
async function leastKernel(timer: CallTimer, { compiled }: LoadedModel): Promise<number> {
  const nodes = compiled.nodes.filter(({ op }) => op === 'apply-deltas')
  const found: number[] = []
  for (let i = 0; i < 5; i++) found.push((await timer.seconds(nodes)).seconds)
  return found.sort((a, b) => a - b)[2]!
}

const constantsReport = (constants: KernelConstants) => ({
  copy_bytes_per_s: Math.round(constants.copyBytesPerS),
  float_flops_per_s: Math.round(constants.floatFlopsPerS),
  f8_flops_per_s: Math.round(constants.f8FlopsPerS),
  least_kernel_us: Number((1e6 * constants.leastKernelS).toFixed(3)),
})
