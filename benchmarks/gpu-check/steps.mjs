import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A step: { name, command, timeoutS, needs?: () => boolean with a `why`, read: stdout -> { summary, isGood?, ... } }. */
export function stepsFor(root, flags) {
  const { device } = flags
  const node = join(root, 'lib/node')
  const app = (name) => join(root, `lib/app/${name}.js`)
  const trtllm = (...args) => [node, app('trtllm'), ...args, '--device', device]
  return [
    { name: 'doctor', command: trtllm('doctor', '--json'), timeoutS: 60, read: readDoctor },
    { name: 'selftest', command: trtllm('selftest', '--json'), timeoutS: 300, read: readSelftest },
    ...(flags.eval ? evalSteps(trtllm, flags) : []),
    {
      name: 'concurrent requests',
      command: [node, app('concurrent-requests'), '--device', device, '--requests', flags.requests],
      timeoutS: 300,
      read: readLastLine,
    },
    {
      name: 'memcheck',
      command: [
        sanitizer() ?? 'compute-sanitizer',
        ...['--tool', 'memcheck', '--leak-check', 'full', '--error-exitcode', '97'],
        ...trtllm('selftest'),
      ],
      timeoutS: 1200,
      needs: Object.assign(() => device !== 'cpu' && sanitizer() !== undefined, {
        why:
          device === 'cpu' ? 'there is no GPU code to check on a CPU' : 'compute-sanitizer is not installed',
      }),
      read: readSanitizer,
    },
    {
      name: 'load and dispose',
      command: [node, '--expose-gc', app('load-cycles'), '--device', device, '--cycles', flags.cycles],
      timeoutS: 1800,
      read: readLastLine,
    },
  ]
}

function evalSteps(trtllm, { eval: folder, model }) {
  const chosen = model ? ['--model', model] : []
  const kinds = [
    ['exact-match', '--dataset', 'dev.eval.json', readExactMatch],
    ['logits', '--golden', 'tales-llama.dev.golden.json', readLogits],
    ['perplexity', '--text', 'dev.stories.json', readPerplexity],
  ]
  return ['bf16', 'f16'].flatMap((dtype) =>
    kinds.map(([kind, flag, file, read]) => ({
      name: `eval ${kind} ${dtype}`,
      command: trtllm('eval', kind, flag, join(folder, file), '--dtype', dtype, '--json', ...chosen),
      timeoutS: 300,
      read,
    })),
  )
}

function readDoctor(stdout) {
  const { ok, diagnoses } = JSON.parse(stdout)
  const bad = diagnoses.filter(({ verdict }) => verdict !== 'ok')
  return {
    summary: bad.map(({ name, verdict }) => `${name}: ${verdict}`).join(', ') || 'all in order',
    isGood: ok,
    diagnoses,
  }
}

function readSelftest(stdout) {
  const { ok, device, ops, checks } = JSON.parse(stdout)
  const cases = ops.reduce((sum, op) => sum + op.cases, 0)
  return {
    summary: `${device}: ${ops.length} ops, ${cases} cases, ${checks.length} checks`,
    isGood: ok,
    ops,
    checks,
  }
}

/** 99.5 % is asked for; Transformers has 99.75 %. */
function readExactMatch(stdout) {
  const { accuracy, correct, n, seconds } = JSON.parse(stdout)
  return {
    summary: `${(100 * accuracy).toFixed(2)} %`,
    isGood: n > 0 && accuracy >= 0.995,
    accuracy,
    correct,
    n,
    seconds,
  }
}

/** The command's exit code says whether every number is within its tolerance. */
function readLogits(stdout) {
  const { outputs: _, ...report } = JSON.parse(stdout)
  return { summary: `${report.compared ?? 'some'} numbers compared`, ...report }
}

/** Transformers in f32: 0.58856. */
function readPerplexity(stdout) {
  const { story_nll_mean: mean, story_tokens: tokens, seconds } = JSON.parse(stdout)
  const isGood = Math.abs(mean - 0.58856) <= 5e-4
  return {
    summary: `mean NLL ${mean.toFixed(6)}`,
    isGood,
    story_nll_mean: mean,
    story_tokens: tokens,
    seconds,
  }
}

function readLastLine(stdout) {
  return JSON.parse(stdout.trim().split('\n').at(-1))
}

function readSanitizer(stdout) {
  const errors = /ERROR SUMMARY: (\d+) errors?/.exec(stdout)?.[1]
  const leaked = /LEAK SUMMARY: (\d+) bytes/.exec(stdout)?.[1]
  if (errors === undefined) throw new Error('compute-sanitizer printed no summary')
  return {
    summary: `${errors} errors, ${leaked ?? 'unknown'} bytes leaked`,
    isGood: errors === '0',
    errors,
    leaked,
  }
}

function sanitizer() {
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/local/cuda/bin',
    '/usr/local/cuda/compute-sanitizer',
  ]
  const path = folders.map((folder) => join(folder, 'compute-sanitizer')).find(existsSync)
  return path && spawnSync(path, ['--version']).status === 0 ? path : undefined
}
