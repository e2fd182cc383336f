// GGUF version 3 (ggml's docs/gguf.md): the same weights as the safetensors file, bf16 or Q8_0, with a vocabulary of
// nothing but byte tokens and fillers, since only token ids are used.
import { closeSync, openSync, writeSync } from 'node:fs'
import { fromBf16 } from './weights.mjs'
import { bf16Of } from './write-safetensors.mjs'

const alignment = 32
const types = { u32: 4, f32: 6, string: 8, array: 9, i32: 5 }
const tensorTypes = { f32: 0, q8_0: 8, bf16: 30 }
const fileTypes = { q8_0: 7, bf16: 32 }

const u32 = (value) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
const u64 = (value) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
const f32 = (value) => Buffer.from(Float32Array.of(value).buffer)
const string = (text) => Buffer.concat([u64(Buffer.byteLength(text)), Buffer.from(text)])
const plain = { u32, f32, string, i32: (value) => Buffer.from(Int32Array.of(value).buffer) }
const entry = (key, type, value) => Buffer.concat([string(key), u32(types[type]), plain[type](value)])
const list = (key, type, values) =>
  Buffer.concat([
    string(key),
    u32(types.array),
    u32(types[type]),
    u64(values.length),
    ...values.map(plain[type]),
  ])

function metadata(config, format) {
  const { hidden_size: hidden, num_attention_heads: heads, vocab_size: vocab } = config
  const headDim = config.head_dim ?? hidden / heads
  const byte = (index) => `<0x${index.toString(16).toUpperCase().padStart(2, '0')}>`
  const special = ['<unk>', '<s>', '</s>']
  const tokens = Array.from({ length: vocab }, (_, id) =>
    id < 3 ? special[id] : id < 259 ? byte(id - 3) : `t${id}`,
  )
  const kinds = tokens.map((_, id) => (id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1))
  return [
    entry('general.architecture', 'string', 'llama'),
    entry('general.name', 'string', 'random'),
    entry('general.file_type', 'u32', fileTypes[format]),
    entry('llama.context_length', 'u32', config.max_position_embeddings),
    entry('llama.embedding_length', 'u32', hidden),
    entry('llama.block_count', 'u32', config.num_hidden_layers),
    entry('llama.feed_forward_length', 'u32', config.intermediate_size),
    entry('llama.attention.head_count', 'u32', heads),
    entry('llama.attention.head_count_kv', 'u32', config.num_key_value_heads),
    entry('llama.attention.layer_norm_rms_epsilon', 'f32', config.rms_norm_eps),
    entry('llama.rope.dimension_count', 'u32', headDim),
    entry('llama.rope.freq_base', 'f32', config.rope_theta ?? 10_000),
    entry('llama.vocab_size', 'u32', vocab),
    entry('tokenizer.ggml.model', 'string', 'llama'),
    list('tokenizer.ggml.tokens', 'string', tokens),
    list(
      'tokenizer.ggml.scores',
      'f32',
      tokens.map((_, id) => -id),
    ),
    list('tokenizer.ggml.token_type', 'i32', kinds),
    entry('tokenizer.ggml.bos_token_id', 'u32', 1),
    entry('tokenizer.ggml.eos_token_id', 'u32', 2),
    entry('tokenizer.ggml.unknown_token_id', 'u32', 0),
  ]
}

const layerNames = {
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
}
const topNames = {
  'model.embed_tokens.weight': 'token_embd.weight',
  'model.norm.weight': 'output_norm.weight',
  'lm_head.weight': 'output.weight',
}

function ggufName(name) {
  const [, layer, rest] = /^model\.layers\.(\d+)\.(.+)\.weight$/.exec(name) ?? []
  return rest === undefined ? topNames[name] : `blk.${layer}.${layerNames[rest]}.weight`
}

/** ggml rotates neighbours where Hugging Face rotates halves: rows of a head are interleaved. */
function interleaveHeads(values, heads, columns) {
  const result = new Uint16Array(values.length)
  const rows = values.length / columns
  const headDim = rows / heads
  for (let row = 0; row < rows; row++) {
    const inHead = row % headDim
    const from = row - inHead + (inHead >> 1) + (inHead & 1) * (headDim / 2)
    result.set(values.subarray(from * columns, (from + 1) * columns), row * columns)
  }
  return result
}

const half = new DataView(new ArrayBuffer(4))
/** f16 of a small positive normal number, round to nearest. */
function toF16(value) {
  half.setFloat32(0, value)
  const word = half.getUint32(0)
  return Math.max(0, ((word + 0x1000) >>> 13) - ((127 - 15) << 10))
}

/** Blocks of 32: an f16 scale, then 32 signed bytes. */
function toQ8(values) {
  const blocks = values.length / 32
  const bytes = Buffer.alloc(blocks * 34)
  for (let block = 0; block < blocks; block++) {
    let largest = 0
    for (let i = 0; i < 32; i++) largest = Math.max(largest, Math.abs(fromBf16(values[block * 32 + i])))
    const scale = largest / 127
    bytes.writeUInt16LE(toF16(scale), block * 34)
    for (let i = 0; i < 32; i++) {
      const value = fromBf16(values[block * 32 + i])
      bytes.writeInt8(scale === 0 ? 0 : Math.round(value / scale), block * 34 + 2 + i)
    }
  }
  return bytes
}

function bytesOf(config, table, tensor, index, format) {
  if (tensor.shape.length === 1) return new Float32Array(tensor.shape[0]).fill(1)
  let values = bf16Of(table, tensor, index)
  if (/\.q_proj\./.test(tensor.name))
    values = interleaveHeads(values, config.num_attention_heads, tensor.shape[1])
  if (/\.k_proj\./.test(tensor.name))
    values = interleaveHeads(values, config.num_key_value_heads, tensor.shape[1])
  return format === 'bf16' ? values : toQ8(values)
}

const bytesIn = (tensor, format) => {
  const elements = tensor.shape.reduce((product, size) => product * size, 1)
  return tensor.shape.length === 1 ? 4 * elements : format === 'bf16' ? 2 * elements : (elements / 32) * 34
}
const aligned = (bytes) => Math.ceil(bytes / alignment) * alignment

/** Writes one file; format: bf16 or q8_0 (matrices; norms are f32). */
export function writeGguf(path, config, tensors, table, format) {
  const entries = metadata(config, format)
  let offset = 0
  const infos = tensors.map((tensor) => {
    const { shape, name } = tensor
    const type = shape.length === 1 ? tensorTypes.f32 : tensorTypes[format]
    const sizes = [...shape].reverse().map(u64)
    const info = Buffer.concat([string(ggufName(name)), u32(shape.length), ...sizes, u32(type), u64(offset)])
    offset += aligned(bytesIn(tensor, format))
    return info
  })
  const head = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(tensors.length),
    u64(entries.length),
    ...entries,
    ...infos,
  ])
  const file = openSync(path, 'w')
  const write = (bytes) => {
    writeSync(file, bytes)
    const rest = bytes.byteLength % alignment
    if (rest > 0) writeSync(file, Buffer.alloc(alignment - rest))
  }
  write(head)
  for (const [index, tensor] of tensors.entries()) write(bytesOf(config, table, tensor, index, format))
  closeSync(file)
}
