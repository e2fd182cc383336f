import type { EngineRequest } from '@trtllm/runtime'
import type { GenerateOptions } from './llm.js'

/** What decides where a request stands in the queue and whose cached pages it may use; the engine checks it. */
export type RequestPlace = Pick<
  EngineRequest,
  'cacheSalt' | 'priority' | 'kvCacheRetentionConfig' | 'fairnessKey' | 'fairnessWeight'
>

/** The place among the options of a call. */
export function placeOf(options: GenerateOptions): RequestPlace {
  const { cacheSalt, priority, kvCacheRetentionConfig, fairnessKey, fairnessWeight } = options
  const given = { cacheSalt, priority, kvCacheRetentionConfig, fairnessKey, fairnessWeight }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}
