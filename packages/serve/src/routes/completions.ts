import type { FastifyReply, FastifyRequest } from 'fastify'
import { ApiError } from '../errors/api-error.js'
import type { CompletionBody } from '../fields/completion-fields.js'
import { madeChoices, samplingOf } from '../fields/sampling.js'
import { validateBody } from '../fields/validate-body.js'
import { CompletionBodyFormat, CompletionChunks } from '../protocol/completion-output.js'
import type { GenerationRequest } from '../served-model.js'
import { readyModel, type ServerContext } from '../server-context.js'
import { executeCall } from './execute-call.js'
import {
  answerHead,
  boundMaxTokens,
  checkModelName,
  checkPromptLogprobs,
  checkRoomEarly,
  deadlineOf,
  encodeFitting,
  fitPrompt,
  warnIgnored,
} from './prepare-call.js'

/** OpenAI's default of the legacy endpoint. */
const defaultMaxTokens = 16

/** POST /v1/completions. */
export async function completions(context: ServerContext, request: FastifyRequest, reply: FastifyReply) {
  const { body, ignored } = validateBody(context.fields.completions, request.body)
  warnIgnored(context, reply, ignored)
  const modelName = checkModelName(context, body.model)
  if (body.prompt === undefined)
    throw new ApiError('invalid_request', "'prompt' is missing.", { param: 'prompt' })
  const n = body.n ?? 1
  const echoesLogprobs = (body.echo ?? false) && body.logprobs !== undefined
  checkPromptLogprobs(body)
  if (echoesLogprobs && body.stream && n > 1)
    throw new ApiError(
      'unsupported',
      "'echo' with logprobs streams one choice of each prompt; leave out n or stream.",
      { param: 'echo' },
    )
  const prompts = promptsOf(body.prompt)
  const model = readyModel(context)
  const head = answerHead('cmpl', modelName)
  checkRoomEarly(context, madeChoices(body), prompts.length)

  const bounded = boundMaxTokens(context, 'max_tokens', body.max_tokens)
  const maxTokens = body.max_tokens ?? Math.min(defaultMaxTokens, bounded ?? defaultMaxTokens)
  const sampling = samplingOf(body, maxTokens, wantedLogprobs(body), model.info)
  const deadlineMs = deadlineOf(request, body.timeout)
  const requests: GenerationRequest[] = []
  const echoes: string[] = []
  for (const [at, prompt] of prompts.entries()) {
    const encoded =
      typeof prompt === 'string'
        ? await encodeFitting(model, prompt, 'prompt', {
            maxTokens: body.max_tokens,
            truncate: body.truncate_prompt_tokens,
            addSpecialTokens: body.add_special_tokens ?? true,
          })
        : prompt
    const room = body.max_tokens ?? 1
    const promptIds = fitPrompt(encoded, 'prompt', room, body.truncate_prompt_tokens, model.info)
    const fitting = { ...sampling, maxTokens: Math.min(maxTokens, model.info.maxSeqLen - promptIds.length) }
    requests.push({
      id: prompts.length === 1 ? head.id : `${head.id}-${at}`,
      promptIds,
      sampling: fitting,
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
      ...(body.cache_salt === undefined ? {} : { cacheSalt: body.cache_salt }),
    })
    const echo = typeof prompt === 'string' ? prompt : model.decode(prompt, { skipSpecialTokens: false })
    for (let choice = 0; choice < n; choice++) echoes.push(body.echo ? echo : '')
  }

  const output = {
    ...{ model, echoes, logprobs: body.logprobs, promptLogprobs: body.prompt_logprobs, echoesLogprobs },
    promptIds: requests.flatMap(({ promptIds }) => Array<number[]>(n).fill(promptIds)),
    choicesOfPrompt: n,
  }
  return await executeCall(context, request, reply, {
    model,
    requests,
    deadlineMs,
    answer: body.stream
      ? {
          stream: true,
          format: new CompletionChunks(head, output),
          includeUsage: body.stream_options?.include_usage ?? false,
          continuousUsage: body.stream_options?.continuous_usage_stats ?? false,
        }
      : { stream: false, format: new CompletionBodyFormat(head, output) },
  })
}

/** Those of an echoed prompt are told as those of the answer are. */
function wantedLogprobs({ logprobs, prompt_logprobs: asked, echo }: CompletionBody) {
  const echoed = echo ? logprobs : undefined
  const most = Math.max(asked ?? -1, echoed ?? -1)
  return { logprobs, promptLogprobs: most < 0 ? undefined : most }
}

function promptsOf(prompt: NonNullable<CompletionBody['prompt']>): (string | number[])[] {
  if (typeof prompt === 'string') return [prompt]
  return typeof prompt[0] === 'number' ? [prompt as number[]] : (prompt as string[] | number[][])
}
