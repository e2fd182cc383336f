import { TrtllmError } from '@trtllm/kernels'
import type { Command as Program } from 'commander'
import type { SamplingParams } from 'trtllm'
import { integerFlag, listFlag, numberFlag, patternFlag } from './value-flags.js'

const million = 1_000_000

/** Values of the flags of `addSamplingFlags`. */
export interface SamplingFlags {
  readonly maxTokens?: number
  readonly minTokens?: number
  readonly temperature?: number
  readonly topP?: number
  readonly topK?: number
  readonly minP?: number
  readonly repetitionPenalty?: number
  readonly presencePenalty?: number
  readonly frequencyPenalty?: number
  /** Digits. */
  readonly seed?: string
  readonly stop?: string[]
  readonly ignoreEos?: boolean
}

/** Adds how to continue a text: the parameters of a request of the server, by the same names. */
export function addSamplingFlags(program: Program): Program {
  return program
    .addOption(integerFlag('--max-tokens <count>', 'new tokens at most', 1, 10 * million))
    .addOption(integerFlag('--min-tokens <count>', 'new tokens at least', 0, 10 * million))
    .addOption(numberFlag('--temperature <number>', '0 takes the most likely token (default 0)', 0, Infinity))
    .addOption(numberFlag('--top-p <share>', 'keep the most likely tokens up to this share', 0, 1))
    .addOption(integerFlag('--top-k <count>', 'keep this many tokens; 0 = all', 0, million))
    .addOption(numberFlag('--min-p <share>', 'keep tokens at least this likely beside the best', 0, 1))
    .addOption(numberFlag('--repetition-penalty <number>', '1 = off', 0, Infinity))
    .addOption(numberFlag('--presence-penalty <number>', '0 = off', -2, 2))
    .addOption(numberFlag('--frequency-penalty <number>', '0 = off', -2, 2))
    .addOption(patternFlag('--seed <seed>', 'fixes the random numbers', /^\d{1,20}$/, 'a whole number'))
    .addOption(listFlag('--stop <text>', 'text that ends the answer; repeatable'))
    .option('--ignore-eos', 'go on after the model’s end token')
}

/** What `LLM.generate` is to be told. @throws TrtllmError bad_flag for a seed beyond 64 bits. */
export function samplingParamsOf(flags: SamplingFlags): SamplingParams {
  const { maxTokens, minTokens, temperature, topP, topK, minP, stop, ignoreEos } = flags
  const { repetitionPenalty, presencePenalty, frequencyPenalty } = flags
  return {
    ...{ maxTokens, minTokens, temperature, topP, topK, minP, stop, ignoreEos },
    ...{ repetitionPenalty, presencePenalty, frequencyPenalty },
    ...(flags.seed !== undefined && { seed: seedOf(flags.seed) }),
  }
}

function seedOf(text: string): bigint {
  const seed = BigInt(text)
  if (seed < 2n ** 64n) return seed
  throw new TrtllmError('bad_flag', `--seed must be a whole number below 2^64; got ${text}.`)
}
