import type { OpSchema, QuantizedDType } from '@trtllm/kernels'

/** How the weights of linears are kept: a type of 8 bits and a scale for each output. */
export interface WeightFormat {
  /** As `--quant` spells it. */
  readonly name: string
  readonly dtype: QuantizedDType
  /** The linear that reads such weights: inputs x, weight, weightScale, bias. */
  readonly linear: OpSchema
}
