import type { ChatMessage as TemplateMessage } from 'trtllm'
import { ApiError } from '../errors/api-error.js'
import type { ChatMessage } from '../fields/chat-fields.js'

/**
 * Chat messages as templates read them: text parts become one string, `developer` becomes `system`, and tool-call
 * arguments become objects. @throws ApiError `unsupported` for media, `invalid_request` for a message without content.
 */
export function templateMessages(messages: readonly ChatMessage[]): TemplateMessage[] {
  return messages.map((message, at) => {
    const content = plainContent(message, at)
    if (content === null && !message.tool_calls?.length)
      throw new ApiError('invalid_request', `'messages[${at}].content' is missing; expected text.`, {
        param: `messages[${at}].content`,
      })
    return {
      role: message.role === 'developer' ? 'system' : message.role,
      content,
      ...(message.name ? { name: message.name } : {}),
      ...(message.tool_call_id ? { tool_call_id: message.tool_call_id } : {}),
      ...(message.tool_calls?.length
        ? {
            tool_calls: message.tool_calls.map((call) => ({
              ...(call.id === undefined ? {} : { id: call.id }),
              type: 'function' as const,
              function: { name: call.function.name, arguments: argumentsObject(call.function.arguments) },
            })),
          }
        : {}),
    }
  })
}

function plainContent(message: ChatMessage, at: number): string | null {
  const { content } = message
  if (content === null || content === undefined || typeof content === 'string') return content ?? null
  return content
    .map((part, index) => {
      const param = `messages[${at}].content[${index}]`
      if (part.type !== 'text' && part.type !== 'refusal')
        throw new ApiError('unsupported', `'${param}' is of type ${part.type}; this model reads text only.`, {
          param,
        })
      if (part.text === undefined)
        throw new ApiError('invalid_request', `'${param}.text' is missing.`, { param })
      return part.text
    })
    .join('')
}

/** Templates print arguments as JSON; a string that is no JSON object is kept as it is. */
function argumentsObject(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    const parsed: unknown = JSON.parse(value)
    return typeof parsed === 'object' && parsed !== null ? parsed : value
  } catch {
    return value
  }
}
