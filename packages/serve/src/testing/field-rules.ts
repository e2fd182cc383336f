/** Values that clients send by mistake or on purpose, as JSON texts: any of them may stand in any field. */
export const hostileValues: readonly string[] = [
  ...['null', 'true', 'false', '-1', '-0', '0', '1', '2', '3', '20', '21', '128', '129', '256', '257'],
  ...['0.5', '-0.5', '1.5', '2.5', '1e-320', '1e308', '1e999', '-1e999', '2147483647', '2147483648'],
  ...['4294967296', '9007199254740991', '9007199254740993', '-9223372036854775808', '1e21'],
  ...[
    '""',
    '"x"',
    '"5"',
    '"true"',
    '"NaN"',
    '"\\u0000"',
    '"\\ud800"',
    '"\\u202e"',
    '"echo"',
    '"auto"',
    '"none"',
  ],
  JSON.stringify('𝔘'.repeat(200)),
  JSON.stringify('x'.repeat(5000)),
  ...['[]', '[[]]', '[0]', '[-1]', '[257]', '[1.5]', '["x"]', '[""]', '["x",5]', '[null]', '[[1,2]]', '[{}]'],
  JSON.stringify(Array(17).fill('x')),
  JSON.stringify(Array(65).fill(1)),
  JSON.stringify(Array(257).fill('x')),
  ...['{}', '{"5":1}', '{"257":1}', '{"5":101}', '{"x":1}', '{"__proto__":{"a":1}}', '{"type":"function"}'],
  ...['{"include_usage":true}', '{"include_usage":"yes"}', `${'['.repeat(30)}${']'.repeat(30)}`],
]

/** Whether a field takes a value, told without the registry; null is always as good as nothing. */
export type Rule = (value: unknown) => boolean

export interface FieldRule {
  readonly takes: Rule
  /** Fields that it is tried with. */
  readonly beside?: object
  /** What an error may name instead of the field. */
  readonly orNames?: readonly string[]
}

const int32 = 2 ** 31 - 1
const integer = (low: number, high: number): Rule => {
  return (value) => Number.isSafeInteger(value) && Number(value) >= low && Number(value) <= high
}
const number = (low: number, high: number): Rule => {
  return (value) => typeof value === 'number' && value >= low && value <= high
}
const boolean: Rule = (value) => typeof value === 'boolean'
const text = (low: number, high: number): Rule => {
  return (value) => typeof value === 'string' && value.length >= low && value.length <= high
}
const word: Rule = (value) => typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= 256
const list = (most: number, item: Rule, least = 0): Rule => {
  return (value) =>
    Array.isArray(value) && value.length >= least && value.length <= most && value.every((each) => item(each))
}
const either = (...rules: Rule[]): Rule => {
  return (value) => rules.some((rule) => rule(value))
}
const object = (takesEntry: (name: string, value: unknown) => boolean): Rule => {
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.entries(value).every(([name, each]) => takesEntry(name, each))
}

/** Of the echo model. */
const vocabSize = 257
const id = integer(0, vocabSize - 1)

/** Fields of both endpoints. */
export const sharedRules: Readonly<Record<string, FieldRule>> = {
  model: { takes: (value) => value === 'echo' },
  max_tokens: { takes: integer(1, 4000), orNames: ['prompt', 'messages'] },
  min_tokens: { takes: integer(0, 300), beside: { max_tokens: 300 } },
  temperature: { takes: number(0, 2) },
  top_p: { takes: number(0, 1) },
  top_k: { takes: integer(-1, int32) },
  min_p: { takes: number(0, 1) },
  top_p_min: { takes: number(0, 1) },
  top_p_decay: { takes: number(1e-6, 1) },
  top_p_reset_ids: { takes: id },
  repetition_penalty: { takes: number(0.01, 100) },
  presence_penalty: { takes: number(-2, 2) },
  frequency_penalty: { takes: number(-2, 2) },
  prompt_ignore_length: { takes: integer(0, int32) },
  no_repeat_ngram_size: { takes: integer(0, int32) },
  seed: { takes: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) },
  n: { takes: integer(1, 128) },
  best_of: { takes: integer(1, 128) },
  prompt_logprobs: { takes: integer(0, 20) },
  use_beam_search: { takes: boolean },
  length_penalty: { takes: number(-100, 100) },
  early_stopping: { takes: either(boolean, integer(0, 2)) },
  stop: { takes: either(word, list(16, word)) },
  stop_token_ids: { takes: list(64, id) },
  include_stop_str_in_output: { takes: boolean },
  ignore_eos: { takes: boolean, beside: { max_tokens: 4 } },
  skip_special_tokens: { takes: boolean },
  add_special_tokens: { takes: boolean },
  truncate_prompt_tokens: { takes: integer(1, int32) },
  bad_words: { takes: list(256, word) },
  bad_token_ids: { takes: list(256, either(id, list(256, id, 1))) },
  end_id: { takes: integer(-1, vocabSize - 1) },
  pad_id: { takes: id },
  logit_bias: {
    takes: object((name, value) => /^\d+$/.test(name) && id(Number(name)) && number(-100, 100)(value)),
  },
  stream: { takes: boolean },
  stream_options: {
    takes: object((name, value) => !name.startsWith('include_') || value === null || boolean(value)),
    beside: { stream: true },
  },
  timeout: { takes: number(0.001, 86_400) },
  cache_salt: { takes: text(1, 512) },
  user: { takes: text(0, 4096) },
}

/** Fields of /v1/completions alone. */
export const completionRules: Readonly<Record<string, FieldRule>> = {
  prompt: {
    takes: either(
      text(1, 4000),
      list(4000, id, 1),
      list(128, text(1, 4000), 1),
      list(128, list(4000, id, 1), 1),
    ),
    orNames: ['n'],
  },
  logprobs: { takes: integer(0, 20) },
  echo: { takes: boolean },
}

/** Fields of /v1/chat/completions alone. */
export const chatRules: Readonly<Record<string, FieldRule>> = {
  max_completion_tokens: { takes: integer(1, 4000), orNames: ['messages'] },
  logprobs: { takes: boolean },
  top_logprobs: { takes: integer(0, 20), beside: { logprobs: true } },
  tools: { takes: list(128, () => false) },
  tool_choice: { takes: (value) => value === 'auto' || value === 'none' },
  parallel_tool_calls: { takes: boolean },
  add_generation_prompt: { takes: boolean },
  chat_template_kwargs: {
    takes: object((name) => /^[a-z_][a-z0-9_]{0,63}$/i.test(name) && name !== '__proto__'),
  },
  documents: {
    takes: list(
      256,
      object(() => true),
    ),
  },
}
