import { copyFileSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HfConfig } from '../hf-config.js'
import { type LlamaConfig, parseLlamaConfig } from '../llama/llama.config.js'
import { type TensorToWrite, writeSafetensors } from './write-safetensors.js'

/** Folder of the tiny golden models: a config.json and a golden.json each, no weights. */
export const goldensDirectory = fileURLToPath(new URL('../../goldens', import.meta.url))

/** Names of the golden models. */
export const goldenVariants = (): string[] => readdirSync(goldensDirectory).sort()

/**
 * Writes config.json and model.safetensors (f32) of a golden model into a new temporary directory and returns it.
 * The weights come from the formula of tools/make-golden.py; the caller removes the directory.
 */
export function writeGoldenCheckpoint(variant: string, parent: string = tmpdir()): string {
  mkdirSync(parent, { recursive: true })
  const directory = mkdtempSync(join(parent, `golden-${variant}-`))
  const file = join(goldensDirectory, variant, 'config.json')
  copyFileSync(file, join(directory, 'config.json'))
  const shapes = llamaTensorShapes(parseLlamaConfig(HfConfig.read(file)))
  const tensors: Record<string, TensorToWrite> = {}
  for (const [name, shape] of Object.entries(shapes)) {
    const values = goldenValues(
      name,
      shape.reduce((product, size) => product * size, 1),
    )
    tensors[name] = { dtype: 'F32', shape, data: new Uint8Array(values.buffer) }
  }
  writeSafetensors(join(directory, 'model.safetensors'), tensors)
  return directory
}

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

/** Elements of a golden tensor: amplitude * (2u - 1), plus 1 for norms; u = 24 bits of a hash of name and index. */
export function goldenValues(name: string, count: number): Float32Array {
  const amplitude = name.includes('embed_tokens') ? 1 : name.includes('lm_head') ? 0.5 : 0.25
  const center = name.includes('norm') ? 1 : 0
  let seed = 0x811c9dc5
  for (const byte of Buffer.from(name)) seed = Math.imul(seed ^ byte, 0x01000193)
  return Float32Array.from({ length: count }, (_, i) => {
    const unit = (mix(seed + Math.imul(i, 0x9e3779b9)) >>> 8) / 2 ** 23 - 1
    return unit * amplitude + center
  })
}

/** The finalizer of MurmurHash3 on 32 bits. */
function mix(value: number): number {
  let x = value | 0
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16)
}
