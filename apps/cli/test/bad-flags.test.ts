import { version } from 'trtllm'
import { describe, expect, it } from 'vitest'
import { trtllm } from './in-process.js'

/** [command line, exit code, what stderr says] */
const refusals: [string, number, string][] = [
  ['genrate', 64, 'trtllm: There is no command genrate; did you mean generate?'],
  ['xyzzy', 64, 'trtllm: There is no command xyzzy; see --help'],
  ['--frobnicate', 64, 'trtllm: There is no flag --frobnicate; see --help'],
  ['generate --max-token 4', 64, 'trtllm generate: There is no flag --max-token; did you mean --max-tokens?'],
  ['generate --max_token 4', 64, 'trtllm generate: There is no flag --max_token; did you mean --max-tokens?'],
  ['generate', 64, 'trtllm generate: --prompt is needed: the text to continue, or - for standard input.'],
  ['generate --prompt', 64, 'trtllm generate: --prompt needs a value; see --help.'],
  [
    'generate --prompt a b',
    64,
    'trtllm generate: There are more words than the command takes; quote texts with spaces, see --help.',
  ],
  [
    'generate --prompt a --max_tokens 0',
    64,
    'trtllm generate: --max-tokens must be an integer from 1 to 10000000; got "0".',
  ],
  [
    'generate --prompt a --top-p 1.5',
    64,
    'trtllm generate: --top-p must be a number from 0 to 1; got "1.5".',
  ],
  [
    'generate --prompt a --temperature=-1',
    64,
    'trtllm generate: --temperature must be a number of at least 0; got "-1".',
  ],
  ['generate --prompt a --seed x', 64, 'trtllm generate: --seed must be a whole number; got "x".'],
  [
    'generate --prompt a --seed 18446744073709551616',
    64,
    'trtllm generate: --seed must be a whole number below 2^64; got 18446744073709551616.',
  ],
  ['generate --prompt a --system b', 64, 'trtllm generate: --system goes with --chat; add it.'],
  [
    'chat --dtype int8',
    64,
    'trtllm chat: --dtype must be one of auto, f32, float32, bf16, bfloat16, f16, float16; got "int8".',
  ],
  ['doctor --device tpu', 64, 'trtllm doctor: --device must be auto, cpu, cuda, cuda:N or null; got "tpu".'],
  ['doctor --port 70000', 64, 'trtllm doctor: --port must be an integer from 1 to 65535; got "70000".'],
  [
    'selftest --filter [',
    64,
    'trtllm selftest: --filter must be a regular expression; got "[" (Invalid regular expression: /[/: Unterminated character class).',
  ],
  ['pull', 64, 'trtllm pull: <model> is needed; see --help.'],
  ['pull ./nothing', 65, 'trtllm pull: ./nothing: no such directory, and not a hub id (expected "org/name")'],
  ['plan --modl x', 64, 'trtllm plan: There is no flag --modl; did you mean --model?'],
  ['eval logits --goldn x', 64, 'trtllm eval logits: There is no flag --goldn; did you mean --golden?'],
]

describe('a wrong command line', () => {
  it.each(refusals)('%s', async (line, code, message) => {
    expect(await trtllm(line.split(' '))).toEqual({ code, stdout: '', stderr: `${message}\n` })
  })

  it('without a command shows the help and ends with 64', async () => {
    const { code, stdout, stderr } = await trtllm([])
    expect([code, stdout]).toEqual([64, ''])
    expect(stderr).toMatch(/^Usage: trtllm/)
  })
})

describe('help', () => {
  it('has a line and an example of each command', async () => {
    const { code, stdout } = await trtllm(['--help'])
    expect(code).toBe(0)
    for (const name of ['generate', 'chat', 'pull', 'plan', 'eval', 'doctor', 'selftest']) {
      expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
      expect(stdout).toMatch(new RegExp(`^  trtllm ${name} `, 'm'))
    }
  })

  it.each(['generate', 'chat', 'pull', 'plan', 'eval', 'doctor', 'selftest'])('of %s', async (name) => {
    const { code, stdout, stderr } = await trtllm([name, '--help'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^Example:\n {2}trtllm /m)
  })

  it('--version', async () => {
    expect(await trtllm(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })
})
