import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { Stopped } from '../src/exit-code.js'
import { trtllm } from './in-process.js'

const onCpu = ['chat', '--device', 'cpu']

it('each line of a pipe is a turn', async () => {
  const stdin = Readable.from([
    'What month follows September?\n\nAdd 85 ',
    'and 25.\n/frob\n/reset\n/exit\nnever asked\n',
  ])
  const { code, stdout, stderr } = await trtllm(onCpu, { stdin })
  expect([code, stdout]).toEqual([0, 'October.\n110\n'])
  expect(stderr).toMatch(/^There is no \/frob; there are:\n/)
  expect(stderr).toMatch(/The conversation is forgotten\.\n$/)
})

it('remembers what was said, and ends with its input', async () => {
  const stdin = Readable.from(['I work as a gardener.\nWhat is my job?\n'])
  const { code, stdout } = await trtllm(onCpu, { stdin })
  expect(code).toBe(0)
  expect(stdout.split('\n')[1]).toMatch(/gardener/i)
})

it('a signal ends it', async () => {
  const end = new AbortController()
  const stdin = Readable.from(['Tell me a tale.\n', 'Another one.\n'])
  const write = () => end.abort(new Stopped('SIGTERM', 143))
  const { code, stderr } = await trtllm(onCpu, { stdin, stdout: { write }, signal: end.signal })
  expect([code, stderr]).toEqual([143, ''])
})
