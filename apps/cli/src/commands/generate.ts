import { text as readAll } from 'node:stream/consumers'
import { TrtllmError } from '@trtllm/kernels'
import type { ChatMessage, Prompt } from 'trtllm'
import { type Answer, answer } from '../answer.js'
import type { Cli, Command } from '../command.js'
import { addModelFlags, type ModelFlags } from '../flags/model-flags.js'
import { addSamplingFlags, type SamplingFlags, samplingParamsOf } from '../flags/sampling-flags.js'
import { type OpenedModel, openModel } from '../open-model.js'

interface GenerateFlags extends ModelFlags, SamplingFlags {
  readonly prompt?: string
  readonly chat?: boolean
  readonly system?: string
  readonly json?: boolean
}

/** New tokens where nothing is said: a text that is no conversation may never end by itself. */
const defaultMaxTokens = 256

/** `trtllm generate`: continues one prompt. */
export const generate: Command = {
  name: 'generate',
  summary: 'Continue a text, or answer a question with --chat.',
  example: 'generate --chat --prompt "What month follows September?"',
  configure(program, cli) {
    program.option('--prompt <text>', 'what to continue; - reads it from standard input')
    program.option('--chat', 'ask through the model’s chat template')
    program.option('--system <text>', 'system message; goes with --chat')
    addSamplingFlags(addModelFlags(program))
    program.option('--json', 'print one JSON object at the end instead of text as it comes')
    program.action(cli.run((flags: GenerateFlags) => runGenerate(flags, cli)))
  },
}

async function runGenerate(flags: GenerateFlags, cli: Cli): Promise<number> {
  const { stdout, stderr, signal } = cli
  const params = { maxTokens: defaultMaxTokens, ...defined(samplingParamsOf(flags)) }
  const prompt = promptOf(flags, await promptText(flags, cli))
  const opened = await openModel(flags, cli)
  await using llm = opened.llm
  const write = flags.json ? () => {} : (text: string) => stdout.write(text)
  const result = await answer(llm, prompt, params, { signal }, write)
  if (flags.json) {
    stdout.write(`${JSON.stringify(report(result, opened))}\n`)
  } else {
    if (!result.text.endsWith('\n')) stdout.write('\n')
    stderr.write(`${statistics(result, opened)}\n`)
  }
  return 0
}

function promptOf({ chat, system }: GenerateFlags, text: string): Prompt {
  if (!chat && system !== undefined) throw new TrtllmError('bad_flag', '--system goes with --chat; add it.')
  if (!chat) return text
  const messages: ChatMessage[] = [{ role: 'user', content: text }]
  return system === undefined ? messages : [{ role: 'system', content: system }, ...messages]
}

async function promptText({ prompt }: GenerateFlags, cli: Cli): Promise<string> {
  if (prompt === '-') return await standardInput(cli)
  if (prompt !== undefined) return prompt
  throw new TrtllmError('bad_flag', '--prompt is needed: the text to continue, or - for standard input.')
}

/** All of it, without the newline that shells add. */
async function standardInput({ stdin, signal }: Cli): Promise<string> {
  const end = () => void stdin.destroy(signal.reason as Error)
  signal.addEventListener('abort', end, { once: true })
  try {
    return (await readAll(stdin)).replace(/\r?\n$/, '')
  } finally {
    signal.removeEventListener('abort', end)
  }
}

function report(result: Answer, { name, llm, loadSeconds }: OpenedModel) {
  const { text, tokens, finishReason, usage, ttftMs, decodeTokensPerSecond } = result
  const { dtype, device } = llm.info
  const timings = { loadSeconds, ttftMs, decodeTokensPerSecond }
  return { text, tokens, finishReason, usage, timings, model: name, dtype, device: device.name }
}

function statistics(result: Answer, { llm, loadSeconds }: OpenedModel): string {
  const { usage, ttftMs, decodeTokensPerSecond, finishReason } = result
  const { dtype, device } = llm.info
  const rate = decodeTokensPerSecond === null ? '' : `, then ${decodeTokensPerSecond.toFixed(1)} tokens/s`
  return (
    `${usage.promptTokens} prompt tokens, ${usage.completionTokens} new (${finishReason}): ` +
    `first after ${ttftMs.toFixed(0)} ms${rate}; ${dtype} on ${device.name}, loaded in ${loadSeconds.toFixed(2)} s`
  )
}

/** Without the entries that are undefined, so that they do not hide a default. */
const defined = <T extends object>(values: T): T =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
