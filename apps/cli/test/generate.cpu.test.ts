import { Readable } from 'node:stream'
import { embeddedModelPath } from 'trtllm'
import { describe, expect, it } from 'vitest'
import { Stopped } from '../src/exit-code.js'
import { trtllm } from './in-process.js'

const onCpu = ['generate', '--device', 'cpu']
const question = ['--chat', '--prompt', 'What month follows September?']

describe('trtllm generate', () => {
  it('prints the answer, and one line of statistics on stderr', async () => {
    const { code, stdout, stderr } = await trtllm([...onCpu, ...question])
    expect([code, stdout]).toEqual([0, 'October.\n'])
    expect(stderr).toMatch(
      /^14 prompt tokens, \d+ new \(stop\): first after \d+ ms, then [\d.]+ tokens\/s; bf16 on CPU, loaded in [\d.]+ s\n$/,
    )
  })

  it('prints text as it comes', async () => {
    const parts: string[] = []
    const line = [...onCpu, '--prompt', 'Once upon a time', '--max-tokens', '16']
    const { code } = await trtllm(line, { stdout: { write: (text) => parts.push(text) } })
    expect(code).toBe(0)
    expect(parts.length).toBeGreaterThan(8)
  })

  it.each(['float32', 'f32', 'bfloat16', 'f16'])('--json in %s', async (dtype) => {
    const { code, stdout, stderr } = await trtllm([...onCpu, ...question, '--dtype', dtype, '--json'])
    expect([code, stderr]).toEqual([0, ''])
    expect(JSON.parse(stdout)).toEqual({
      text: 'October.',
      tokens: expect.any(Array),
      finishReason: 'stop',
      usage: { promptTokens: 14, completionTokens: 3, cachedTokens: expect.any(Number) },
      timings: {
        loadSeconds: expect.any(Number),
        ttftMs: expect.any(Number),
        decodeTokensPerSecond: expect.any(Number),
      },
      model: '@trtllm/tales',
      dtype: { float32: 'f32', bfloat16: 'bf16' }[dtype] ?? dtype,
      device: 'CPU',
    })
  })

  it('reads the prompt from standard input', async () => {
    const stdin = Readable.from(['Say exactly this: ', 'short rug\n'])
    const { stdout } = await trtllm([...onCpu, '--chat', '--prompt', '-'], { stdin })
    expect(stdout).toBe('short rug\n')
  })

  it('a seed gives the same text again, flags in either spelling', async () => {
    const line = [...onCpu, '--prompt', 'Once upon a time', '--temperature', '1', '--json']
    const texts = ['7', '7', '8'].map(async (seed, index) => {
      const limit = index === 0 ? ['--max_tokens=12'] : ['--max-tokens', '12']
      return (JSON.parse((await trtllm([...line, '--seed', seed, ...limit])).stdout) as { text: string }).text
    })
    const [first, same, other] = await Promise.all(texts)
    expect(same).toBe(first)
    expect(other).not.toBe(first)
  })

  it('--stop ends the answer', async () => {
    const { stdout } = await trtllm([
      ...onCpu,
      '--prompt',
      'Once upon a time',
      '--stop',
      ' tiger',
      '--stop',
      'x',
    ])
    expect(stdout).not.toContain('tiger')
    expect(stdout.length).toBeLessThan(60)
  })

  it('ends with the code of the signal when it is stopped, without a message', async () => {
    const end = new AbortController()
    const write = () => end.abort(new Stopped('SIGINT', 130))
    const line = [...onCpu, '--prompt', 'Once', '--ignore-eos', '--max-tokens', '2000']
    const { code, stderr } = await trtllm(line, { stdout: { write }, signal: end.signal })
    expect([code, stderr]).toEqual([130, ''])
  })

  it.each([
    [
      'a folder that is not there',
      ['--model', `${embeddedModelPath()}/nothing/at/all`],
      65,
      /no such directory/,
    ],
    [
      'too long a context',
      ['--max-seq-len', '4096'],
      78,
      /^trtllm generate: --max-seq-len 4096 is beyond the 2048 positions/,
    ],
    [
      'a contradiction',
      ['--max-batch-size', '8', '--max-num-tokens', '4'],
      78,
      /--max-batch-size 8 is above --max-num-tokens 4/,
    ],
    ['too long a prompt', ['--prompt', 'word '.repeat(3000)], 64, /shorten it or raise --max-seq-len/],
  ])('%s is refused', async (_, flags, expected, message) => {
    const { code, stdout, stderr } = await trtllm([...onCpu, ...question, ...flags])
    expect([code, stdout]).toEqual([expected, ''])
    expect(stderr).toMatch(message)
  })
})
