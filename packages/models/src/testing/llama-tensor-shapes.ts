import type { LlamaConfig } from '../llama/llama.config.js'

/** Checkpoint tensors of a Llama-style decoder and their shapes. */
export function llamaTensorShapes(c: LlamaConfig): Record<string, number[]> {
  const shapes: Record<string, number[]> = { 'model.embed_tokens.weight': [c.vocabSize, c.hiddenSize] }
  const linear = (path: string, out: number, width: number, hasBias: boolean): void => {
    shapes[`${path}.weight`] = [out, width]
    if (hasBias) shapes[`${path}.bias`] = [out]
  }
  for (let i = 0; i < c.numLayers; i++) {
    const at = `model.layers.${i}`
    shapes[`${at}.input_layernorm.weight`] = [c.hiddenSize]
    linear(`${at}.self_attn.q_proj`, c.numHeads * c.headDim, c.hiddenSize, c.attentionBias)
    linear(`${at}.self_attn.k_proj`, c.numKvHeads * c.headDim, c.hiddenSize, c.attentionBias)
    linear(`${at}.self_attn.v_proj`, c.numKvHeads * c.headDim, c.hiddenSize, c.attentionBias)
    linear(`${at}.self_attn.o_proj`, c.hiddenSize, c.numHeads * c.headDim, c.attentionBias)
    shapes[`${at}.post_attention_layernorm.weight`] = [c.hiddenSize]
    linear(`${at}.mlp.gate_proj`, c.intermediateSize, c.hiddenSize, c.mlpBias)
    linear(`${at}.mlp.up_proj`, c.intermediateSize, c.hiddenSize, c.mlpBias)
    linear(`${at}.mlp.down_proj`, c.hiddenSize, c.intermediateSize, c.mlpBias)
  }
  shapes['model.norm.weight'] = [c.hiddenSize]
  if (!c.tieWordEmbeddings) shapes['lm_head.weight'] = [c.vocabSize, c.hiddenSize]
  return shapes
}
