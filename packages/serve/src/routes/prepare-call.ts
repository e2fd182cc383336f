import { randomUUID } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ApiError } from '../errors/api-error.js'
import type { AnswerHead } from '../protocol/answer-format.js'
import type { ServedModel, ServedModelInfo } from '../served-model.js'
import { admissionLimits, type ServerContext } from '../server-context.js'

/** Refuses names of models that are not served. @returns the name answers carry. @throws ApiError `not_found`. */
export function checkModelName(context: ServerContext, name: string | undefined): string {
  const [served] = context.modelNames
  if (name === undefined || context.modelNames.includes(name)) return name ?? served!
  const known = context.modelNames.map((each) => `'${each}'`).join(', ')
  throw new ApiError('not_found', `The model '${name}' is not served here; this server has ${known}.`, {
    param: 'model',
  })
}

/** Tells the client and, once a name, the log about fields that mean nothing to this server. */
export function warnIgnored(context: ServerContext, reply: FastifyReply, ignored: readonly string[]): void {
  if (ignored.length === 0) return
  const names = ignored.slice(0, 16).map((name) => name.replace(/[^\w.-]/g, '?').slice(0, 64))
  reply.header('x-trtllm-ignored-fields', names.join(', '))
  for (const name of names) {
    // Names come from clients: the memory of what was said is bounded.
    if (context.warnedFields.has(name) || context.warnedFields.size >= 256) continue
    context.warnedFields.add(name)
    context.log.warn({ field: name }, `request field '${name}' is unknown and was ignored`)
  }
}

/** Refuses before any work on the prompt where even an empty prompt would not be admitted. */
export function checkRoomEarly(context: ServerContext, choices: number, prompts: number): void {
  const product = choices * prompts
  if (product > context.limits.choices)
    throw new ApiError(
      'too_many_choices',
      `n (or best_of) x prompts must be at most ${context.limits.choices}; got ${choices} x ${prompts}.`,
      { param: 'n' },
    )
  context.active.checkRoom(product, 0, admissionLimits(context))
}

/** Refuses log-probabilities of the prompt in a stream, whose chunks have no place for them. */
export function checkPromptLogprobs(body: {
  prompt_logprobs?: number | undefined
  stream?: boolean | undefined
}): void {
  if (body.prompt_logprobs !== undefined && body.stream)
    throw new ApiError('unsupported', "'prompt_logprobs' does not go with stream; leave one out.", {
      param: 'prompt_logprobs',
    })
}

/** The answer's bound for a wanted one. @throws ApiError `out_of_range` above the operator's bound. */
export function boundMaxTokens(
  context: ServerContext,
  param: string,
  wanted: number | undefined,
): number | undefined {
  const most = context.maxOutputLen
  if (most !== undefined && wanted !== undefined && wanted > most)
    throw new ApiError('out_of_range', `'${param}' must be at most ${most} on this server; got ${wanted}.`, {
      param,
    })
  return wanted ?? most
}

/** The token ids of a text; one that surely leaves no room to answer is refused before it is tokenized. */
export async function encodeFitting(
  model: ServedModel,
  text: string,
  field: 'messages' | 'prompt',
  { maxTokens = 1, truncate, addSpecialTokens }: EncodingNeeds,
): Promise<number[]> {
  const least = truncate === undefined ? model.leastTokens(text) : 0
  if (least + maxTokens > model.info.maxSeqLen)
    throw tooLong(field, `at least ${least} tokens`, maxTokens, model.info)
  return await model.encode(text, { addSpecialTokens })
}

interface EncodingNeeds {
  maxTokens: number | undefined
  truncate: number | undefined
  addSpecialTokens: boolean
}

function tooLong(field: string, found: string, maxTokens: number, { maxSeqLen }: ServedModelInfo): ApiError {
  return new ApiError(
    'context_length_exceeded',
    `This model's context is ${maxSeqLen} tokens; the prompt has ${found} and the answer may need ` +
      `${maxTokens}. Shorten the prompt, lower max_tokens or set truncate_prompt_tokens.`,
    { param: field },
  )
}

/** Keeps the last tokens where the client asked for it, and refuses prompts that leave no room to answer. */
export function fitPrompt(
  ids: number[],
  field: 'messages' | 'prompt',
  maxTokens: number | undefined,
  truncate: number | undefined,
  info: ServedModelInfo,
): number[] {
  const kept = truncate === undefined ? ids : ids.slice(-truncate)
  const wrong = kept.find((id) => id >= info.vocabSize)
  if (wrong !== undefined)
    throw new ApiError(
      'out_of_range',
      `'${field}' has token id ${wrong}; the vocabulary ends at ${info.vocabSize - 1}.`,
      {
        param: field,
      },
    )
  if (kept.length === 0)
    throw new ApiError('invalid_request', `'${field}' is empty after tokenization.`, { param: field })
  if (kept.length + (maxTokens ?? 1) > info.maxSeqLen)
    throw tooLong(field, String(kept.length), maxTokens ?? 1, info)
  return kept
}

/** The deadline a client set, in milliseconds: `timeout` of the body (seconds) or the X-Request-Timeout-Ms header. */
export function deadlineOf(request: FastifyRequest, timeoutSeconds: number | undefined): number | undefined {
  if (timeoutSeconds !== undefined) return Math.ceil(timeoutSeconds * 1000)
  const header = request.headers['x-request-timeout-ms']
  if (header === undefined) return undefined
  const value = Number(header)
  if (Number.isSafeInteger(value) && value >= 1 && value <= 86_400_000) return value
  throw new ApiError(
    'out_of_range',
    'The header X-Request-Timeout-Ms must be an integer from 1 to 86400000.',
    {
      param: 'x-request-timeout-ms',
    },
  )
}

/** Id and time of a new answer. */
export function answerHead(prefix: 'chatcmpl' | 'cmpl', model: string): AnswerHead {
  const id = `${prefix}-${randomUUID().replaceAll('-', '')}`
  return { id, created: Math.floor(Date.now() / 1000), model }
}
