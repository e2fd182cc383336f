import { pageTokens, stepLayout } from '@trtllm/graph'
import type { EngineModel } from '../compiled-model.js'
import { deltaCapacity } from '../scheduler/budget.js'

export interface FakeModelSizes {
  readonly maxBatchSize?: number
  readonly maxNumTokens?: number
  readonly maxRows?: number
  readonly maxSeqLen?: number
  readonly vocabSize?: number
  readonly eosIds?: readonly number[]
  /** Slots beside those of a full batch, for sequences whose slot waits for a step to retire. */
  readonly spareSlots?: number
  /** Pages and window of each pool; one pool without a window by default. */
  readonly pools?: readonly { pages: number; window: number }[]
  readonly longRopeFromTokens?: number
}

/** What the engine must know of a model that does not exist: small sizes, real layout. */
export function fakeModel(sizes: FakeModelSizes = {}): EngineModel {
  const { maxBatchSize = 4, maxNumTokens = 64, maxSeqLen = 256, vocabSize = 101, eosIds = [0] } = sizes
  const pools = (sizes.pools ?? [{ pages: 64, window: 0 }]).map((pool) => ({ ...pool, pageTokens }))
  const deltas = deltaCapacity({ maxBatchSize, maxNumTokens, pageTokens, numPools: pools.length })
  const layout = stepLayout({
    maxTokens: maxNumTokens,
    maxRows: sizes.maxRows ?? maxBatchSize,
    maxSeqs: maxBatchSize,
    numSlots: maxBatchSize + (sizes.spareSlots ?? 0),
    maxSeqLen,
    pageTokens,
    numPools: pools.length,
    maxDeltas: deltas.maxDeltas,
    maxDeltaWords: deltas.maxDeltaWords,
  })
  return {
    layout,
    pools,
    vocabSize,
    eosIds,
    maxSeqLen,
    ...(sizes.longRopeFromTokens !== undefined && { longRopeFromTokens: sizes.longRopeFromTokens }),
    info: {
      name: 'fake',
      architecture: 'FakeForCausalLM',
      vocabSize,
      maxSeqLen,
      maxBatchSize,
      maxNumTokens,
      eosIds,
      dtype: 'i32',
      device: { kind: 'fake', name: 'content-checking fake' },
      memory: {
        weightsBytes: 0,
        arenaBytes: 0,
        kvBytes: 0,
        kvBytesPerToken: 16,
        stateBytes: 4 * layout.stateWords,
      },
      kvTokens: Math.min(...pools.map(({ pages }) => pages * pageTokens)),
    },
  }
}
