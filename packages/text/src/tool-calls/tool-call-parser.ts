import { TrtllmError } from '@trtllm/kernels'
import { HermesParser } from './hermes.js'

/** A piece of parsed output: text for the reader, the beginning of a call, or more of its JSON arguments. */
export type ToolCallEvent =
  | { type: 'text'; text: string }
  | { type: 'call'; index: number; name: string }
  | { type: 'arguments'; index: number; text: string }

/** Splits generated text into prose and tool calls as it streams. */
export interface ToolCallParser {
  /** Events that are certain after this text. */
  push(text: string): ToolCallEvent[]
  /** The rest, at the end of the text. */
  flush(): ToolCallEvent[]
}

/** Formats in which models write tool calls. */
export const toolCallFormats = ['hermes'] as const
export type ToolCallFormat = (typeof toolCallFormats)[number]

/** A parser of one choice's text. @throws TrtllmError unsupported for a format it does not know. */
export function createToolCallParser(format: ToolCallFormat = 'hermes'): ToolCallParser {
  if (format === 'hermes') return new HermesParser()
  throw new TrtllmError(
    'unsupported',
    `tool-call format '${format}': expected one of ${toolCallFormats.join(', ')}`,
  )
}

/** A whole text, read: what is not in a call, and the calls with their arguments as JSON text. */
export interface ParsedToolCalls {
  content: string
  calls: { name: string; arguments: string }[]
}

/** Reads a whole text; the same text in pieces gives the same result. */
export function parseToolCalls(text: string, format: ToolCallFormat = 'hermes'): ParsedToolCalls {
  const parser = createToolCallParser(format)
  const result: ParsedToolCalls = { content: '', calls: [] }
  for (const event of [...parser.push(text), ...parser.flush()]) {
    if (event.type === 'text') result.content += event.text
    else if (event.type === 'call') result.calls.push({ name: event.name, arguments: '' })
    else result.calls[event.index]!.arguments += event.text
  }
  return result
}
