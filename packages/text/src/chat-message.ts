import { TrtllmError } from '@trtllm/kernels'

/** A function the model wants called. `arguments` is an object, or its JSON text as OpenAI's clients send it. */
export interface ChatToolCall {
  id?: string
  type?: 'function'
  function: { name: string; arguments: unknown }
}

/** A part of a message; only text is read. */
export interface ChatContentPart {
  type: string
  text?: string
}

/** A message of a conversation, as OpenAI writes it. Members beyond these reach the template as they are. */
export interface ChatMessage {
  role: string
  content?: string | null | readonly ChatContentPart[]
  name?: string
  tool_call_id?: string
  tool_calls?: readonly ChatToolCall[]
  reasoning_content?: string
}

/** Who may speak in a conversation. */
export const chatRoles = ['system', 'developer', 'user', 'assistant', 'tool'] as const

/** How a template wants the arguments of a tool call. */
export type ArgumentForm = 'object' | 'text'

/**
 * Messages as templates can read them: content is always a string (text parts joined, null = ''), and tool-call
 * arguments are in the form the template wants. @throws TrtllmError invalid_request or unsupported, naming the message.
 */
export function templateMessages(
  messages: readonly ChatMessage[],
  form: ArgumentForm,
): Record<string, unknown>[] {
  return messages.map((message, index) => {
    const { tool_calls: calls, content, ...rest } = message
    if (!chatRoles.some((role) => role === rest.role))
      throw wrong('invalid_request', `messages[${index}].role`, `must be one of ${chatRoles.join(', ')}`)
    return {
      ...rest,
      content: plainText(content, `messages[${index}].content`),
      ...(calls && { tool_calls: calls.map((call) => withArguments(call, form)) }),
    }
  })
}

function plainText(content: ChatMessage['content'], field: string): string {
  if (content === null || content === undefined) return ''
  if (typeof content === 'string') return content
  if (!Array.isArray(content))
    throw wrong('invalid_request', field, 'must be a string or a list of text parts')
  return content
    .map((part: ChatContentPart, index) => {
      if (part.type !== 'text')
        throw wrong(
          'unsupported',
          `${field}[${index}]`,
          `is of type ${part.type}; this model reads text only`,
        )
      if (typeof part.text !== 'string')
        throw wrong('invalid_request', `${field}[${index}].text`, 'is missing; expected a string')
      return part.text
    })
    .join('')
}

function withArguments(call: ChatToolCall, form: ArgumentForm): ChatToolCall {
  const given = call.function?.arguments
  const isText = typeof given === 'string'
  if (isText === (form === 'text') || given === undefined) return call
  const { function: called, ...rest } = call
  return { ...rest, function: { ...called, arguments: isText ? parsed(given) : JSON.stringify(given) } }
}

/** Text that is no JSON object stays text. */
function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : text
  } catch {
    return text
  }
}

const wrong = (code: 'invalid_request' | 'unsupported', field: string, rule: string): TrtllmError =>
  new TrtllmError(code, `${field} ${rule}`, { details: { field, param: field } })
