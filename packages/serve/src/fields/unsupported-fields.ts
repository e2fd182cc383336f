import { ApiError } from '../errors/api-error.js'

const off = (value: unknown) => value === false
const only = (neutral: unknown) => (value: unknown) => value === neutral
const empty = (value: unknown) => Array.isArray(value) && value.length === 0
const never = () => false

/**
 * Fields of OpenAI's, TensorRT-LLM's and vLLM's APIs that are known but not served yet. The predicate tells the values
 * that ask for nothing and so are accepted.
 */
const unsupported: Record<string, (value: unknown) => boolean> = {
  suffix: only(''),
  lora_request: never,
  return_context_logits: off,
  return_generation_logits: off,
  detokenize: only(true),
  spaces_between_special_tokens: only(true),
  response_format: (value) => (value as { type?: unknown } | null)?.type === 'text',
  guided_json: never,
  guided_regex: never,
  guided_grammar: never,
  guided_choice: never,
  structured_outputs: never,
  functions: empty,
  function_call: only('none'),
  prompt_token_ids: never,
  disaggregated_params: never,
  chat_template: never,
  media_io_kwargs: never,
  mm_processor_kwargs: never,
  thinking_token_budget: never,
  audio: never,
  prediction: never,
  web_search_options: never,
  modalities: (value) => JSON.stringify(value) === '["text"]',
}

/** Fields that change nothing about an answer and are accepted without a word. */
const ignored = new Set([
  'store',
  'metadata',
  'service_tier',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'reasoning_effort',
  'verbosity',
  'priority',
  'conversation_params',
  'agent_hierarchy',
])

/**
 * Sorts the fields of a body that no registry entry covers.
 * @returns the names nobody knows, for a warning. @throws ApiError `unsupported` naming the first known field we lack.
 */
export function unknownFields(body: Record<string, unknown>, known: Record<string, unknown>): string[] {
  const unknown: string[] = []
  for (const [name, value] of Object.entries(body)) {
    if (value === null || Object.hasOwn(known, name)) continue
    if (Object.hasOwn(unsupported, name)) {
      if (!unsupported[name]!(value))
        throw new ApiError('unsupported', `'${name}' is not supported by this server; leave it out.`, {
          param: name,
        })
    } else if (!ignored.has(name)) unknown.push(name)
  }
  return unknown
}
