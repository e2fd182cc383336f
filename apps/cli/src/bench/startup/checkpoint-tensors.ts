import { nullPlanDevice } from '@trtllm/graph'
import type { FloatDType } from '@trtllm/kernels'
import type { ModelConfig } from '@trtllm/models'
import { modelPlanner } from 'trtllm/plan-model'

/** What a made-up tensor is filled with. */
export type TensorFill = 'gaussian' | 'ones' | 'zeros'

/** A tensor that a checkpoint of a model must have. */
export interface CheckpointTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly fill: TensorFill
}

/** Every tensor that a model reads, once, in the order in which it uses them. */
export function checkpointTensors(model: ModelConfig, directory: string): CheckpointTensor[] {
  const dtype: FloatDType = 'bf16'
  const config = { directory, device: 'null', dtype, quant: 'none', loadFormat: 'dummy' } as const
  const offer = { kind: 'null', name: 'null', freeBytes: Number.MAX_SAFE_INTEGER } as const
  const planner = modelPlanner({ model, dtype, config, device: nullPlanDevice, offer })
  const { params } = planner.compileSizes({ maxBatchSize: 1, maxNumTokens: 64, maxSeqLen: 64 })
  const tensors = new Map<string, CheckpointTensor>()
  for (const { kind, sources } of params) {
    for (const { name, rows, columns, plus = 0 } of sources) {
      const isVector = kind === 'vector' && columns === 1
      // A norm's weight is 1, however the checkpoint keeps it.
      const value: TensorFill = name.endsWith('.bias') || plus === 1 ? 'zeros' : 'ones'
      const fill = kind === 'vector' ? value : 'gaussian'
      tensors.set(name, { name, shape: isVector ? [rows] : [rows, columns], fill })
    }
  }
  return [...tensors.values()]
}
