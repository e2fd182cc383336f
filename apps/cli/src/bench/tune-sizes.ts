/** What decides how many sequences a device should run at once. Memory in bytes. */
export interface TuningFacts {
  readonly freeBytes: number
  readonly weightsBytes: number
  readonly kvBytesPerToken: number
  readonly isl: number
  readonly osl: number
}

export interface TunedSizes {
  readonly maxBatchSize: number
  readonly maxNumTokens: number
}

const mostSequences = 4096
const tokens = { least: 2048, most: 32_768 }

/**
 * Sizes by the rule of TensorRT-LLM's own benchmark, so that figures compare: as many sequences as the cache holds in
 * full, and as many tokens as keep prompts coming in at the rate at which answers end. The caller knows how many
 * requests there are.
 */
export function tuneSizes({ freeBytes, weightsBytes, kvBytesPerToken, ...work }: TuningFacts): TunedSizes {
  const { isl, osl } = work
  const cacheBytes = Math.max(0, freeBytes - weightsBytes) * 0.95
  const held = Math.max(1, Math.floor(cacheBytes / (kvBytesPerToken * (isl + osl))))
  const wanted = Math.min(held, mostSequences)
  const maxBatchSize = Math.min(roundUp(wanted, wanted < 256 ? 32 : wanted < 1024 ? 128 : 256), mostSequences)
  const flow = Math.min(maxBatchSize * (1 + isl / osl), tokens.most)
  const maxNumTokens = Math.max(tokens.least, roundUp(flow, flow < 4096 ? 256 : flow < 8192 ? 512 : 1024))
  return { maxBatchSize, maxNumTokens }
}

const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step
