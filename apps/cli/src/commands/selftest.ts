import { cpuIsa, cudaStatus, Device, type FloatDType, TrtllmError } from '@trtllm/kernels'
import type { Cli, Command } from '../command.js'
import { deviceFlag, dtypeFlag, threadsFlag } from '../flags/model-flags.js'
import { openProgress, type Progress } from '../progress.js'
import type { Check } from '../selftest/check.js'
import { checkCaptured } from '../selftest/check-captured.js'
import { checkLargePool } from '../selftest/check-large-pool.js'
import { checkModel } from '../selftest/check-model.js'
import { checkOps, type OpReport, opsMatching } from '../selftest/check-ops.js'
import { reportText, type SelftestReport } from '../selftest/report-text.js'

interface SelftestFlags {
  readonly device?: string
  readonly dtype?: string
  readonly threads?: number
  readonly filter?: string
  readonly json?: boolean
}

/** `trtllm selftest`: whether this machine computes what it should. */
export const selftest: Command = {
  name: 'selftest',
  summary: 'Check every op against the CPU reference, recorded steps, and the embedded model.',
  example: 'selftest --device cuda',
  configure(program, cli) {
    program
      .addOption(deviceFlag())
      .addOption(dtypeFlag())
      .addOption(threadsFlag())
      .option('--filter <pattern>', 'only ops whose names match; also "captured", "large-pool" and "model"')
      .option('--json', 'print a JSON object')
      .action(cli.run((flags: SelftestFlags) => runSelftest(flags, cli)))
    program.addHelpText('after', '\nExit code: 1 when a check fails.')
  },
}

async function runSelftest(flags: SelftestFlags, cli: Cli): Promise<number> {
  const deviceName = openableDevice(flags.device ?? 'auto')
  const filter = filterOf(flags.filter)
  const ops = opsMatching(filter)
  const wants = (name: string) => filter?.test(name) ?? true
  if (ops.length === 0 && !['captured', 'large-pool', 'model'].some(wants))
    throw matchesNothing(flags.filter!)
  const progress = openProgress(cli.stderr)
  try {
    const opReports = await runOps(deviceName, flags.threads, ops, cli, progress)
    const checks: Check[] = []
    const dtypes = dtypesOf(flags.dtype)
    const isComputed = deviceName !== 'null'
    if (isComputed && wants('captured')) {
      progress.tell('captured', 0, 1)
      for (const dtype of dtypes) checks.push(...(await checkCaptured(deviceName, dtype)))
    }
    if (isComputed && wants('large-pool')) {
      progress.tell('large pool', 0, 1)
      checks.push(...(await checkLargePool(deviceName)))
    }
    if (isComputed && wants('model')) {
      progress.tell('model', 0, dtypes.length)
      for await (const check of checkModel(deviceName, dtypes, cli.signal)) {
        checks.push(check)
        progress.tell('model', checks.length, dtypes.length)
      }
    }
    progress.stop()
    return finish({ device: describeDevice(deviceName), ops: opReports, checks }, flags.json === true, cli)
  } finally {
    progress.stop()
  }
}

async function runOps(
  deviceName: string,
  threads: number | undefined,
  ops: ReturnType<typeof opsMatching>,
  { signal }: Cli,
  progress: Progress,
): Promise<OpReport[]> {
  const options = threads === undefined ? {} : { threads }
  using device = Device.open(deviceName, deviceName.startsWith('cuda') ? {} : options)
  using reference = Device.open('cpu', { ...options, isa: 'scalar' })
  const reports: OpReport[] = []
  for await (const report of checkOps(device, reference, ops)) {
    signal.throwIfAborted()
    reports.push(report)
    progress.tell(report.op, reports.length, ops.length)
  }
  return reports
}

function finish(report: SelftestReport, asJson: boolean, cli: Cli): number {
  const ok =
    report.ops.every(({ failures }) => failures.length === 0) && report.checks.every((c) => !c.failure)
  cli.stdout.write(asJson ? `${JSON.stringify({ ok, ...report }, null, 2)}\n` : reportText(report, cli))
  return ok ? 0 : 1
}

const openableDevice = (name: string): string =>
  name !== 'auto' ? name : cudaStatus().devices > 0 ? 'cuda' : 'cpu'

function describeDevice(name: string): string {
  using device = Device.open(name)
  const { name: full, detail } = device.info()
  const kernels =
    device.kind === 'cpu' ? `, ${process.env.TRTLLM_CPU_ISA ?? cpuIsa().best} against scalar` : ''
  return `${name}: ${[full, detail].filter(Boolean).join(', ')}${kernels}`
}

/** All precisions, or the one asked for. */
function dtypesOf(name: string | undefined): FloatDType[] {
  const all: Record<string, FloatDType> = {
    f32: 'f32',
    float32: 'f32',
    bf16: 'bf16',
    bfloat16: 'bf16',
    f16: 'f16',
    float16: 'f16',
  }
  const one = all[name ?? 'auto']
  return one ? [one] : ['f32', 'bf16', 'f16']
}

function filterOf(pattern: string | undefined): RegExp | undefined {
  if (pattern === undefined) return undefined
  try {
    return new RegExp(pattern)
  } catch (cause) {
    const message = `--filter must be a regular expression; got "${pattern}" (${(cause as Error).message}).`
    throw new TrtllmError('bad_flag', message, { cause })
  }
}

const matchesNothing = (pattern: string): TrtllmError =>
  new TrtllmError(
    'bad_flag',
    `--filter ${pattern} matches nothing; there are ${opsMatching(undefined)
      .map(({ name }) => name)
      .join(', ')}, captured, large-pool, model.`,
  )
