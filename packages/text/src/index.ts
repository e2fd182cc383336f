export { type ChatContentPart, type ChatMessage, type ChatToolCall, chatRoles } from './chat-message.js'
export type { RenderOptions } from './chat-template.js'
export type { Detokenizer } from './detokenizer.js'
export { type LoadTokenizerOptions, loadTokenizer } from './load-tokenizer.js'
export { type StopResult, StopStrings } from './stop-strings.js'
export { type DecodeOptions, type EncodeOptions, longText, Tokenizer } from './tokenizer.js'
export {
  createToolCallParser,
  type ParsedToolCalls,
  parseToolCalls,
  type ToolCallEvent,
  type ToolCallFormat,
  type ToolCallParser,
  toolCallFormats,
} from './tool-calls/tool-call-parser.js'
