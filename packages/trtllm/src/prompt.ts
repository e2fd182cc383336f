import { TrtllmError } from '@trtllm/kernels'
import type { ChatMessage, Tokenizer } from '@trtllm/text'
import { type CheckedSampling, needsTokenizer } from './check-sampling-params.js'

/** A conversation to be written by the model's chat template. */
export interface ChatPrompt {
  messages: readonly ChatMessage[]
  /** Functions the model may call, as OpenAI writes them. */
  tools?: readonly unknown[] | undefined
  /** Whether the text ends where the model is to answer. Default true. */
  addGenerationPrompt?: boolean | undefined
  /** Further variables of the template, for instance `enable_thinking`. */
  chatTemplateKwargs?: Readonly<Record<string, unknown>> | undefined
}

/** Something to continue: text, token ids, or a conversation. */
export type Prompt =
  | string
  | readonly number[]
  | Int32Array
  | { prompt: string }
  | { promptTokenIds: readonly number[] | Int32Array }
  | ChatPrompt
  | readonly ChatMessage[]

/** A prompt as the engine takes it. */
export interface EncodedPrompt {
  readonly text?: string
  readonly ids: Int32Array
}

/** Tells one prompt from a list of prompts. An empty list is a list. */
export function isOnePrompt(input: Prompt | readonly Prompt[]): input is Prompt {
  if (typeof input === 'string' || !Array.isArray(input)) return true
  const first: unknown = input[0]
  return typeof first === 'number' || (typeof first === 'object' && first !== null && 'role' in first)
}

/** Text and token ids of a prompt. @throws TrtllmError invalid_type, unsupported or what the chat template refuses. */
export async function encodePrompt(
  prompt: Prompt,
  sampling: Pick<CheckedSampling, 'addSpecialTokens' | 'truncatePromptTokens'>,
  tokenizer: Tokenizer | undefined,
  maxSeqLen: number,
): Promise<EncodedPrompt> {
  const bound = sampling.truncatePromptTokens === undefined ? maxSeqLen : Number.POSITIVE_INFINITY
  const { text, ids } = await textAndIds(prompt, sampling.addSpecialTokens, tokenizer, bound)
  const kept = sampling.truncatePromptTokens === undefined ? ids : ids.slice(-sampling.truncatePromptTokens)
  return { ids: Int32Array.from(kept), ...(text !== undefined && { text }) }
}

async function textAndIds(
  prompt: Prompt,
  addSpecialTokens: boolean,
  tokenizer: Tokenizer | undefined,
  maxSeqLen: number,
): Promise<{ text?: string; ids: readonly number[] | Int32Array }> {
  const given = tokenIdsOf(prompt)
  if (given) return { ids: checkedIds(given) }
  const plain = plainText(prompt)
  const chat = plain === undefined ? chatOf(prompt) : undefined
  if (!tokenizer) throw needsTokenizer('a prompt of text')
  if (!chat) {
    refuseTooLong(tokenizer, plain!, maxSeqLen)
    return { text: plain!, ids: await tokenizer.encodeAsync(plain!, { addSpecialTokens }) }
  }
  const { messages, tools, addGenerationPrompt = true, chatTemplateKwargs } = chat
  if (messages.length === 0) throw noMessages()
  const text = tokenizer.render(messages, { ...chatTemplateKwargs, tools, addGenerationPrompt })
  refuseTooLong(tokenizer, text, maxSeqLen)
  // The template writes its own special tokens.
  return { text, ids: await tokenizer.encodeAsync(text, { addSpecialTokens: false }) }
}

/** Tokenizing megabytes only to refuse them would cost seconds. */
function refuseTooLong(tokenizer: Tokenizer, text: string, maxSeqLen: number): void {
  const least = tokenizer.leastTokens(text)
  if (least < maxSeqLen) return
  throw new TrtllmError(
    'context_length_exceeded',
    `the prompt has at least ${least} tokens, at most ${maxSeqLen - 1} leave room for an answer; shorten it, set ` +
      'truncatePromptTokens or raise maxSeqLen',
    { details: { field: 'prompt', param: 'prompt' } },
  )
}

const noMessages = (): TrtllmError =>
  new TrtllmError('invalid_request', 'messages is empty, expected at least one message', {
    details: { field: 'messages', param: 'messages' },
  })

function tokenIdsOf(prompt: Prompt): readonly number[] | Int32Array | undefined {
  if (prompt instanceof Int32Array) return prompt
  if (Array.isArray(prompt)) return typeof prompt[0] === 'number' ? (prompt as number[]) : undefined
  if (typeof prompt === 'object' && prompt !== null && 'promptTokenIds' in prompt)
    return prompt.promptTokenIds
  return undefined
}

/** HAZARD: an Int32Array wraps what does not fit, so that a wrong id would become another valid one. */
function checkedIds(ids: readonly number[] | Int32Array): readonly number[] | Int32Array {
  const wrong = ids.findIndex((id) => !Number.isInteger(id) || id < 0 || id > 0x7fffffff)
  if (wrong < 0) return ids
  throw new TrtllmError('out_of_range', `prompt token id ${wrong} is ${ids[wrong]}, expected a token id`, {
    details: { field: 'prompt', param: 'prompt' },
  })
}

function plainText(prompt: Prompt): string | undefined {
  if (typeof prompt === 'string') return prompt
  if (typeof prompt !== 'object' || prompt === null || !('prompt' in prompt)) return undefined
  if (typeof prompt.prompt === 'string') return prompt.prompt
  throw wrongPrompt(`prompt.prompt is ${typeof prompt.prompt}`)
}

function chatOf(prompt: Prompt): ChatPrompt {
  if (Array.isArray(prompt)) return { messages: prompt as ChatMessage[] }
  if (typeof prompt === 'object' && prompt !== null && 'messages' in prompt && Array.isArray(prompt.messages))
    return prompt as ChatPrompt
  throw wrongPrompt(prompt === null ? 'the prompt is null' : `the prompt is ${typeof prompt}`)
}

const wrongPrompt = (found: string): TrtllmError =>
  new TrtllmError(
    'invalid_type',
    `${found}; expected a string, token ids, messages, or an object with prompt, promptTokenIds or messages`,
    { details: { field: 'prompt', param: 'prompt' } },
  )
