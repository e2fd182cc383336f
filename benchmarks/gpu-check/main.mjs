// bin/gpu-check of a portable bundle: runs every step, prints a table, writes one JSON file.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { machine } from './machine.mjs'
import { stepsFor } from './steps.mjs'

const help = `Usage: gpu-check [flags]

  --device cuda|cuda:N|cpu   where everything runs (cuda)
  --eval DIR                 folder with dev.eval.json, dev.stories.json, tales-llama.dev.golden.json
  --model DIR                model for the eval steps (the embedded one)
  --out FILE                 result (gpu-check.json)
  --only NAMES               steps to run, by the start of their names, separated by commas
  --requests N               concurrent requests (256)
  --cycles N                 load and dispose cycles (1000)
  --list                     print the steps and their commands, run nothing
`

function readFlags() {
  const type = 'string'
  const options = {
    device: { type, default: 'cuda' },
    eval: { type },
    model: { type },
    out: { type, default: 'gpu-check.json' },
    only: { type },
    requests: { type, default: '256' },
    cycles: { type, default: '1000' },
    list: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  }
  return parseArgs({ options }).values
}

/** Runs one step. @returns what goes into the result file */
function runStep({ name, command, timeoutS, needs, read }, root) {
  const record = { name, command: command.join(' ').replaceAll(`${root}/`, '') }
  if (needs && !needs()) return { ...record, verdict: 'left out', seconds: 0, why: needs.why }
  const startMs = performance.now()
  const [program, ...args] = command
  const { status, signal, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: timeoutS * 1000,
    killSignal: 'SIGKILL',
    maxBuffer: 1 << 28,
  })
  const seconds = Number(((performance.now() - startMs) / 1000).toFixed(2))
  const failed = {
    exitCode: status,
    signal,
    stderr: (stderr ?? '').slice(-2000),
    stdout: (stdout ?? '').slice(-2000),
  }
  if (error) return { ...record, verdict: 'failed', seconds, why: error.message, ...failed }
  try {
    const seen = read(stdout)
    const isGood = status === 0 && seen.isGood !== false
    return { ...record, verdict: isGood ? 'passed' : 'failed', seconds, seen, ...(isGood ? {} : failed) }
  } catch (problem) {
    const why = stderr.trim().split('\n').at(-1) || `unexpected output: ${problem.message}`
    return { ...record, verdict: 'failed', seconds, why, ...failed }
  }
}

function main() {
  const flags = readFlags()
  if (flags.help) {
    process.stdout.write(help)
    return 0
  }
  const root = join(import.meta.dirname, '../..')
  const wanted = flags.only?.split(',')
  const steps = stepsFor(root, flags).filter(
    ({ name }) => !wanted || wanted.some((start) => name.startsWith(start.trim())),
  )
  if (flags.list) {
    for (const { name, command } of steps) console.log(`${name.padEnd(28)} ${command.join(' ')}`)
    return 0
  }
  if (flags.eval && !existsSync(join(flags.eval, 'dev.eval.json'))) {
    console.error(`gpu-check: ${flags.eval} has no dev.eval.json`)
    return 64
  }
  const info = JSON.parse(readFileSync(join(root, 'build-info.json'), 'utf8'))
  const result = {
    command: `gpu-check ${process.argv.slice(2).join(' ')}`.trim(),
    date: new Date().toISOString(),
    ...info,
    machine: machine(),
    device: flags.device,
    steps: [],
  }
  for (const step of steps) {
    const record = runStep(step, root)
    result.steps.push(record)
    const said = record.why ?? record.seen?.summary ?? ''
    console.log(
      `${record.verdict.padEnd(9)} ${step.name.padEnd(28)} ${String(record.seconds).padStart(8)} s  ${said}`,
    )
    // After every step: a run that is cut short leaves what it has seen.
    result.passed = result.steps.every(({ verdict }) => verdict !== 'failed')
    writeFileSync(flags.out, `${JSON.stringify(result, null, 2)}\n`)
  }
  const count = (verdict) => result.steps.filter((step) => step.verdict === verdict).length
  console.log(
    `${count('passed')} passed, ${count('failed')} failed, ${count('left out')} left out; ${flags.out}`,
  )
  return result.passed ? 0 : 1
}

try {
  process.exit(main())
} catch (error) {
  console.error(`gpu-check: ${error.message}`)
  process.exit(64)
}
