import type { LLM, SamplingParams } from 'trtllm'
import { answer } from '../answer.js'
import { Conversation } from '../chat/conversation.js'
import { type LineInput, openLineInput } from '../chat/line-input.js'
import type { Cli, Command } from '../command.js'
import { exitCodeFor } from '../exit-code.js'
import { addModelFlags, type ModelFlags } from '../flags/model-flags.js'
import { addSamplingFlags, type SamplingFlags, samplingParamsOf } from '../flags/sampling-flags.js'
import { openModel } from '../open-model.js'

interface ChatFlags extends ModelFlags, SamplingFlags {
  readonly system?: string
}

/** `trtllm chat`: a conversation in the terminal; in a pipe each line is a turn. */
export const chat: Command = {
  name: 'chat',
  summary: 'Talk with a model in the terminal.',
  example: 'chat --temperature 0.7',
  configure(program, cli) {
    addSamplingFlags(addModelFlags(program))
    program.option('--system <text>', 'system message')
    program.action(cli.run((flags: ChatFlags) => runChat(flags, cli)))
    program.addHelpText(
      'after',
      '\nLines that begin with a slash: /system <text>, /reset, /exit, /help. Ctrl-C stops an answer; again, it leaves.',
    )
  },
}

/** The exit code of somebody who left by Ctrl-C. */
const interrupted = 130

async function runChat(flags: ChatFlags, cli: Cli): Promise<number> {
  const { name, llm } = await openModel(flags, cli)
  await using _ = llm
  using input = openLineInput(cli)
  if (input.isTerminal) cli.stdout.write(`${name} on ${llm.info.device.name}; /help tells more.\n`)
  const talk = new Talk(llm, samplingParamsOf(flags), input, cli)
  return await talk.run(new Conversation(flags.system))
}

/** One conversation between a line input and a model. */
class Talk {
  readonly #llm: LLM
  readonly #params: SamplingParams
  readonly #input: LineInput
  readonly #cli: Cli
  /** Set while an answer is written. */
  #stop: AbortController | undefined
  #hasLeft = false

  constructor(llm: LLM, params: SamplingParams, input: LineInput, cli: Cli) {
    this.#llm = llm
    this.#params = params
    this.#input = input
    this.#cli = cli
    input.onInterrupt(() => this.#interrupt())
  }

  async run(conversation: Conversation): Promise<number> {
    this.#input.prompt()
    for await (const line of this.#input) {
      const turn = conversation.read(line)
      if (turn.kind === 'leave') return 0
      if (turn.kind === 'tell') this.#cli.stderr.write(`${turn.text}\n`)
      if (turn.kind === 'ask') await this.#answer(conversation)
      if (this.#hasLeft) break
      this.#input.prompt()
    }
    this.#cli.signal.throwIfAborted()
    return this.#hasLeft ? interrupted : 0
  }

  async #answer(conversation: Conversation): Promise<void> {
    const { stdout, stderr, signal } = this.#cli
    const stop = new AbortController()
    this.#stop = stop
    let text = ''
    const onText = (more: string) => {
      text += more
      stdout.write(more)
    }
    try {
      const options = { signal: AbortSignal.any([signal, stop.signal]) }
      await answer(this.#llm, conversation.messages, this.#params, options, onText)
      conversation.answered(text)
      stdout.write('\n')
    } catch (error) {
      if (signal.aborted) throw error
      if (stop.signal.aborted) {
        stdout.write('\n')
        conversation.answered(text)
      } else if (!this.#input.isTerminal || exitCodeFor(error) !== 64) {
        throw error
      } else {
        // A conversation that has become too long, for instance: it may be shortened.
        stderr.write(`${(error as Error).message}; /reset begins again\n`)
        conversation.withdraw()
      }
    } finally {
      this.#stop = undefined
    }
  }

  /** The first Ctrl-C stops the answer, if there is one; the next leaves. */
  #interrupt(): void {
    if (this.#stop && !this.#stop.signal.aborted) {
      this.#stop.abort(new Error('stopped by Ctrl-C'))
      return
    }
    this.#hasLeft = true
    this.#input.close()
  }
}
