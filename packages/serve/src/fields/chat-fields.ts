import { z } from 'zod'
import type { Limits } from '../limits.js'
import { booleanField, field, integerField, withoutProto } from './field.js'
import { samplingFields } from './sampling-fields.js'

const toolCall = z.object({
  id: z.string().max(256).optional(),
  type: z.literal('function').optional(),
  function: z.object({
    name: z.string().min(1).max(256),
    arguments: z.union([z.string(), z.looseObject({})]),
  }),
})

const message = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z
    .union([z.string(), z.looseObject({ type: z.string(), text: z.string().optional() }).array()])
    .nullish(),
  name: z.string().max(256).nullish(),
  tool_call_id: z.string().max(256).nullish(),
  tool_calls: toolCall.array().max(128).nullish(),
})

const tool = z.object({
  type: z.literal('function'),
  function: z.looseObject({
    name: z
      .string()
      .regex(/^[a-zA-Z0-9_.-]{1,128}$/, 'a name of 1 to 128 letters, digits, dots, dashes or underscores'),
    description: z.string().nullish(),
    parameters: z.looseObject({}).nullish(),
  }),
})

/** The registry of /v1/chat/completions fields. */
export function chatFields(limits: Limits) {
  const sized = (bytes: number) => (value: unknown) => Buffer.byteLength(JSON.stringify(value)) <= bytes
  return z.object({
    ...samplingFields(limits),
    messages: field(
      message.array().min(1).max(2048),
      'a list of 1 to 2048 messages, each with role system, developer, user, assistant or tool, and content',
    ),
    max_completion_tokens: integerField(1, 2 ** 31 - 1),
    logprobs: booleanField(),
    top_logprobs: integerField(0, limits.topLogprobs),
    tools: field(
      tool.array().max(limits.tools).refine(sized(limits.toolsBytes)),
      `at most ${limits.tools} tools of type function, ${limits.toolsBytes} bytes in all`,
    ),
    tool_choice: field(
      z.union([z.string(), z.looseObject({ type: z.string() })]),
      '"auto", "none", "required" or a named function',
    ),
    parallel_tool_calls: booleanField(),
    add_generation_prompt: booleanField(),
    chat_template_kwargs: field(
      withoutProto(z.looseObject({}).refine(sized(limits.templateKwargsBytes))),
      `an object of at most ${limits.templateKwargsBytes} bytes`,
    ),
    documents: field(z.looseObject({}).array().max(256), 'at most 256 objects'),
  })
}

/** A validated body of /v1/chat/completions. */
export type ChatBody = z.infer<ReturnType<typeof chatFields>>
/** One validated chat message. */
export type ChatMessage = NonNullable<ChatBody['messages']>[number]
