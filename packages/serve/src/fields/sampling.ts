import type { SamplingParams } from 'trtllm'
import { ApiError } from '../errors/api-error.js'
import type { ServedModelInfo } from '../served-model.js'
import type { CompletionBody } from './completion-fields.js'

type SamplingBody = Omit<CompletionBody, 'prompt' | 'logprobs' | 'echo'>

/** Candidates to tell of each token of the answer and of the prompt. */
interface WantedLogprobs {
  readonly logprobs: number | undefined
  /** By default what the body asks for. */
  readonly promptLogprobs?: number | undefined
}

/**
 * The facade's sampling parameters for a validated body. OpenAI's defaults hold where the body is silent: temperature 1
 * and top_p 1. @throws ApiError `out_of_range` for token ids beyond the vocabulary or min_tokens above max_tokens.
 */
export function samplingOf(
  body: SamplingBody,
  maxTokens: number | undefined,
  { logprobs, promptLogprobs = body.prompt_logprobs }: WantedLogprobs,
  info: ServedModelInfo,
): SamplingParams {
  const inVocabulary = (param: string, ids: number[]) => {
    const wrong = ids.find((id) => id >= info.vocabSize)
    if (wrong !== undefined)
      throw new ApiError(
        'out_of_range',
        `'${param}' has token id ${wrong}; the vocabulary ends at ${info.vocabSize - 1}.`,
        {
          param,
        },
      )
  }
  const logitBias = Object.entries(body.logit_bias ?? {}).map(([id, bias]): [number, number] => [
    Number(id),
    bias,
  ])
  inVocabulary(
    'logit_bias',
    logitBias.map(([id]) => id),
  )
  inVocabulary('stop_token_ids', body.stop_token_ids ?? [])
  inVocabulary('bad_token_ids', (body.bad_token_ids ?? []).flat())
  for (const name of ['end_id', 'pad_id', 'top_p_reset_ids'] as const)
    inVocabulary(name, body[name] === undefined ? [] : [body[name]])
  if (maxTokens !== undefined && (body.min_tokens ?? 0) > maxTokens)
    throw new ApiError(
      'out_of_range',
      `'min_tokens' must be at most max_tokens (${maxTokens}); got ${body.min_tokens}.`,
      {
        param: 'min_tokens',
      },
    )
  return {
    maxTokens,
    minTokens: body.min_tokens,
    temperature: body.temperature ?? 1,
    // OpenAI has no top_k; TensorRT-LLM writes "all" as 0 and vLLM as -1.
    topK: body.top_k === undefined || body.top_k <= 0 ? undefined : body.top_k,
    topP: body.top_p,
    minP: body.min_p,
    topPMin: body.top_p_min,
    topPDecay: body.top_p_decay,
    topPResetIds: body.top_p_reset_ids,
    repetitionPenalty: body.repetition_penalty,
    presencePenalty: body.presence_penalty,
    frequencyPenalty: body.frequency_penalty,
    promptIgnoreLength: body.prompt_ignore_length,
    noRepeatNgramSize: body.no_repeat_ngram_size,
    // OpenAI's seeds are signed 64-bit integers, the engine's unsigned ones.
    seed: body.seed === undefined ? undefined : BigInt.asUintN(64, BigInt(body.seed)),
    stop: body.stop?.length ? body.stop : undefined,
    stopTokenIds: body.stop_token_ids?.length ? body.stop_token_ids : undefined,
    includeStopStrInOutput: body.include_stop_str_in_output,
    ignoreEos: body.ignore_eos,
    endId: body.end_id,
    padId: body.pad_id,
    badWords: body.bad_words?.length ? body.bad_words : undefined,
    badTokenIds: body.bad_token_ids?.length ? body.bad_token_ids : undefined,
    logitBias: logitBias.length ? logitBias : undefined,
    logprobs,
    promptLogprobs,
    skipSpecialTokens: body.skip_special_tokens,
    n: body.n ?? 1,
    ...searchOf(body),
  }
}

/** Answers that are made for each prompt: all of them count against limits. */
export const madeChoices = ({ n = 1, best_of = n }: Pick<CompletionBody, 'n' | 'best_of'>): number =>
  Math.max(n, best_of)

/** How answers are searched for; without a search its other fields say nothing. @throws ApiError `out_of_range`. */
function searchOf(body: SamplingBody): SamplingParams {
  const { n = 1, best_of: bestOf = n, use_beam_search: useBeamSearch = false } = body
  if (bestOf < n)
    throw new ApiError('out_of_range', `'best_of' must be at least n (${n}); got ${bestOf}.`, {
      param: 'best_of',
    })
  if (!useBeamSearch) return bestOf > n ? { bestOf } : {}
  return { useBeamSearch, bestOf, lengthPenalty: body.length_penalty, earlyStopping: body.early_stopping }
}
