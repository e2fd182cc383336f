import { z } from 'zod'
import type { Limits } from '../limits.js'
import { booleanField, field, integerField, numberField, withoutProto } from './field.js'

const maxInteger = Number.MAX_SAFE_INTEGER
const maxInt32 = 2 ** 31 - 1

/** Fields that /v1/completions and /v1/chat/completions share, with OpenAI's and TensorRT-LLM's names. */
export function samplingFields(limits: Limits) {
  const words = (count: number, what: string) =>
    z
      .string()
      .min(1)
      .refine(
        (word) => Buffer.byteLength(word) <= limits.stopBytes,
        `${what} of at most ${limits.stopBytes} bytes`,
      )
      .array()
      .max(count)
  const stops = words(limits.stops, 'a stop string')
  return {
    model: field(z.string().min(1).max(512), 'the name of a served model'),
    max_tokens: integerField(1, maxInt32),
    min_tokens: integerField(0, maxInt32),
    temperature: numberField(0, 2),
    top_p: numberField(0, 1),
    top_k: integerField(-1, maxInt32),
    min_p: numberField(0, 1),
    top_p_min: numberField(0, 1),
    top_p_decay: numberField(0.000001, 1),
    top_p_reset_ids: integerField(0, maxInt32),
    repetition_penalty: numberField(0.01, 100),
    presence_penalty: numberField(-2, 2),
    frequency_penalty: numberField(-2, 2),
    prompt_ignore_length: integerField(0, maxInt32),
    no_repeat_ngram_size: integerField(0, maxInt32),
    seed: integerField(-maxInteger, maxInteger),
    n: integerField(1, limits.choices),
    best_of: integerField(1, limits.choices),
    prompt_logprobs: integerField(0, limits.topLogprobs),
    use_beam_search: booleanField(),
    length_penalty: numberField(-100, 100),
    early_stopping: field(
      z.preprocess((value) => (typeof value === 'boolean' ? Number(value) : value), z.int().min(0).max(2)),
      'true, false, or 0 (no beam could beat the answers at its length), 1 (as many answers as beams) or 2 (at any length)',
    ),
    stop: field(
      z.preprocess((value) => (typeof value === 'string' ? [value] : value), stops),
      `a string or at most ${limits.stops} strings, each of 1 to ${limits.stopBytes} bytes`,
    ),
    stop_token_ids: field(
      z.int().min(0).max(maxInt32).array().max(limits.stopTokenIds),
      `at most ${limits.stopTokenIds} token ids`,
    ),
    include_stop_str_in_output: booleanField(),
    ignore_eos: booleanField(),
    skip_special_tokens: booleanField(),
    add_special_tokens: booleanField(),
    truncate_prompt_tokens: integerField(1, maxInt32),
    bad_words: field(words(256, 'a word'), `at most 256 words, each of 1 to ${limits.stopBytes} bytes`),
    bad_token_ids: field(
      z
        .union([
          z.int().min(0).max(maxInt32),
          z.int().min(0).max(maxInt32).array().min(1).max(limits.badTokenIds),
        ])
        .array()
        .max(limits.badTokenIds),
      `at most ${limits.badTokenIds} token ids or lists of them`,
    ),
    end_id: integerField(-1, maxInt32),
    pad_id: integerField(0, maxInt32),
    logit_bias: field(
      withoutProto(
        z
          .record(z.string().regex(/^\d{1,10}$/), z.number().min(-100).max(100))
          .refine((bias) => Object.keys(bias).length <= limits.logitBias),
      ),
      `an object of at most ${limits.logitBias} token ids, each with a bias from -100 to 100`,
    ),
    stream: booleanField(),
    stream_options: field(
      z.object({
        include_usage: z.boolean().nullish(),
        continuous_usage_stats: z.boolean().nullish(),
        include_obfuscation: z.boolean().nullish(),
      }),
      'an object with include_usage and continuous_usage_stats, each true or false',
    ),
    timeout: numberField(0.001, 86_400),
    cache_salt: field(z.string().min(1).max(512), 'a string of 1 to 512 characters'),
    user: field(z.string().max(4096), 'a string'),
  }
}
