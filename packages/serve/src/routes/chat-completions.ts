import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ChatPrompt } from 'trtllm'
import { ApiError } from '../errors/api-error.js'
import type { ChatBody as ChatRequest } from '../fields/chat-fields.js'
import { madeChoices, samplingOf } from '../fields/sampling.js'
import { validateBody } from '../fields/validate-body.js'
import { ChatBody } from '../protocol/chat-body.js'
import { ChatChunks } from '../protocol/chat-chunks.js'
import { templateMessages } from '../protocol/template-messages.js'
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

/** POST /v1/chat/completions. */
export async function chatCompletions(context: ServerContext, request: FastifyRequest, reply: FastifyReply) {
  const { body, ignored } = validateBody(context.fields.chat, request.body)
  warnIgnored(context, reply, ignored)
  const modelName = checkModelName(context, body.model)
  if (!body.messages) throw new ApiError('invalid_request', "'messages' is missing.", { param: 'messages' })
  if (body.top_logprobs !== undefined && !body.logprobs)
    throw new ApiError('invalid_request', "'top_logprobs' needs logprobs to be true.", {
      param: 'top_logprobs',
    })
  checkPromptLogprobs(body)
  const n = body.n ?? 1
  const model = readyModel(context)
  const head = answerHead('chatcmpl', modelName)
  checkRoomEarly(context, madeChoices(body), 1)

  const tools = wantedTools(body)
  const messages = templateMessages(body.messages)
  const text = await model.render({ messages, ...renderOptions(body, tools) })
  const lengthField = body.max_completion_tokens === undefined ? 'max_tokens' : 'max_completion_tokens'
  const wanted = body[lengthField]
  const maxTokens = boundMaxTokens(context, lengthField, wanted)
  const encoded = await encodeFitting(model, text, 'messages', {
    maxTokens: wanted,
    truncate: body.truncate_prompt_tokens,
    addSpecialTokens: body.add_special_tokens ?? false,
  })
  const promptIds = fitPrompt(encoded, 'messages', wanted, body.truncate_prompt_tokens, model.info)
  const sampling = samplingOf(
    body,
    maxTokens,
    { logprobs: body.logprobs ? (body.top_logprobs ?? 0) : undefined },
    model.info,
  )

  const output = {
    model,
    choices: n,
    logprobs: body.logprobs ?? false,
    tools: tools !== undefined,
    promptLogprobs: body.prompt_logprobs,
  }
  const deadlineMs = deadlineOf(request, body.timeout)
  return await executeCall(context, request, reply, {
    model,
    requests: [
      {
        ...{ id: head.id, promptIds, sampling },
        ...(deadlineMs === undefined ? {} : { deadlineMs }),
        ...(body.cache_salt === undefined ? {} : { cacheSalt: body.cache_salt }),
      },
    ],
    deadlineMs,
    answer: body.stream
      ? {
          stream: true,
          format: new ChatChunks(head, output),
          includeUsage: body.stream_options?.include_usage ?? false,
          continuousUsage: body.stream_options?.continuous_usage_stats ?? false,
        }
      : { stream: false, format: new ChatBody(head, output) },
  })
}

/** The tools the template shows, or undefined where the model must not call any. */
function wantedTools(body: ChatRequest): unknown[] | undefined {
  const choice = body.tool_choice ?? 'auto'
  if (choice !== 'auto' && choice !== 'none') {
    const wanted = typeof choice === 'string' ? `"${choice.slice(0, 40)}"` : 'a named function'
    throw new ApiError('unsupported', `'tool_choice' ${wanted} is not supported; use "auto" or "none".`, {
      param: 'tool_choice',
    })
  }
  if (body.parallel_tool_calls === false && body.tools?.length)
    throw new ApiError('unsupported', "'parallel_tool_calls' false is not supported; leave it out.", {
      param: 'parallel_tool_calls',
    })
  return choice === 'none' || !body.tools?.length ? undefined : body.tools
}

const reservedKwargs = new Set([
  'messages',
  'tools',
  'documents',
  'add_generation_prompt',
  '__proto__',
  'constructor',
])

function renderOptions(body: ChatRequest, tools: unknown[] | undefined): Omit<ChatPrompt, 'messages'> {
  const kwargs = Object.entries(body.chat_template_kwargs ?? {})
  for (const [name] of kwargs)
    if (reservedKwargs.has(name) || !/^[a-z_][a-z0-9_]{0,63}$/i.test(name))
      throw new ApiError('invalid_request', `'chat_template_kwargs' may not set '${name.slice(0, 64)}'.`, {
        param: 'chat_template_kwargs',
      })
  if (body.documents?.length) kwargs.push(['documents', body.documents])
  return {
    addGenerationPrompt: body.add_generation_prompt ?? true,
    ...(tools ? { tools } : {}),
    ...(kwargs.length > 0 ? { chatTemplateKwargs: Object.fromEntries(kwargs) } : {}),
  }
}
