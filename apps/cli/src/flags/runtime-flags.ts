import type { Command as Program } from 'commander'
import type { LoadOptions } from 'trtllm'
import { choiceFlag, integerFlag } from './value-flags.js'

/** Values of the flags of `addRuntimeFlags`. */
export interface RuntimeFlags {
  readonly kvCacheMaxTokens?: number
  readonly capacitySchedulerPolicy?: LoadOptions['capacitySchedulerPolicy']
  readonly contextChunkingPolicy?: LoadOptions['contextChunkingPolicy']
  readonly enableBlockReuse?: 'true' | 'false'
  readonly disableOverlapScheduler?: true
}

/** Adds who runs when and what the cache keeps. */
export function addRuntimeFlags(program: Program): Program {
  return program
    .addOption(integerFlag('--kv-cache-max-tokens <count>', 'tokens in the KV cache at most', 32, 1e9))
    .addOption(
      choiceFlag('--capacity-scheduler-policy <policy>', 'who may run when the KV cache is full', [
        'RESERVE_AND_GROW',
        'GUARANTEED_NO_EVICT',
        'MAX_UTILIZATION',
        'STATIC_BATCH',
      ]),
    )
    .addOption(
      choiceFlag('--context-chunking-policy <policy>', 'how prompts share a step', [
        'FIRST_COME_FIRST_SERVED',
        'EQUAL_PROGRESS',
      ]),
    )
    .addOption(
      choiceFlag('--enable-block-reuse <boolean>', 'reuse cached prefixes (default true)', ['true', 'false']),
    )
    .option('--disable-overlap-scheduler', 'schedule a step only when the last one is read')
}

/** What `LLM.load` is to be told of them. */
export function runtimeOptionsOf(flags: RuntimeFlags): LoadOptions {
  const { kvCacheMaxTokens, capacitySchedulerPolicy, contextChunkingPolicy, disableOverlapScheduler } = flags
  const { enableBlockReuse } = flags
  return {
    ...{ kvCacheMaxTokens, capacitySchedulerPolicy, contextChunkingPolicy, disableOverlapScheduler },
    enableBlockReuse: enableBlockReuse === undefined ? undefined : enableBlockReuse === 'true',
  }
}
