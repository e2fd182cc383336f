// Random weights of a Llama shape, the same for every file format: a table of gaussian numbers (Box and Muller, one
// seed), rounded to bf16, from which each tensor takes a stretch of its own, over and over.

const tableSize = 1 << 22
const blockSize = 32

/** xorshift32, in [0, 1). */
function uniform(seed) {
  let state = seed | 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 0x1_0000_0000
  }
}

const bits = new Uint32Array(1)
const number = new Float32Array(bits.buffer)

/** Round to nearest, ties to even; finite numbers only. */
function toBf16(value) {
  number[0] = value
  return (bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) >>> 16
}

export function fromBf16(half) {
  bits[0] = half << 16
  return number[0]
}

/** 4 Mi numbers of deviation 0.02 as bf16. */
export function gaussianTable(seed = 1) {
  const next = uniform(seed)
  const table = new Uint16Array(tableSize)
  for (let i = 0; i < tableSize; i += 2) {
    const radius = 0.02 * Math.sqrt(-2 * Math.log(1 - next()))
    const angle = 2 * Math.PI * next()
    table[i] = toBf16(radius * Math.cos(angle))
    table[i + 1] = toBf16(radius * Math.sin(angle))
  }
  return table
}

/** Where tensor number `index` starts in the table: a multiple of a quantization block. */
const startOf = (index) => (index * 1_234_567 * blockSize) % tableSize

/** bf16 [rows, columns] of tensor number `index`. */
export function tensorBf16(table, index, elements) {
  const tensor = new Uint16Array(elements)
  let from = startOf(index)
  for (let at = 0; at < elements; ) {
    const length = Math.min(elements - at, tableSize - from)
    tensor.set(table.subarray(from, from + length), at)
    at += length
    from = 0
  }
  return tensor
}

/** Tensors of a Llama config in checkpoint names: { name, shape }. Norms are ones. */
export function llamaTensors(config) {
  const { hidden_size: hidden, intermediate_size: ffn, vocab_size: vocab } = config
  const headDim = config.head_dim ?? hidden / config.num_attention_heads
  const kv = config.num_key_value_heads * headDim
  const q = config.num_attention_heads * headDim
  const layers = Array.from({ length: config.num_hidden_layers }, (_, layer) => {
    const at = (name, ...shape) => ({ name: `model.layers.${layer}.${name}.weight`, shape })
    return [
      at('input_layernorm', hidden),
      at('self_attn.q_proj', q, hidden),
      at('self_attn.k_proj', kv, hidden),
      at('self_attn.v_proj', kv, hidden),
      at('self_attn.o_proj', hidden, q),
      at('post_attention_layernorm', hidden),
      at('mlp.gate_proj', ffn, hidden),
      at('mlp.up_proj', ffn, hidden),
      at('mlp.down_proj', hidden, ffn),
    ]
  })
  return [
    { name: 'model.embed_tokens.weight', shape: [vocab, hidden] },
    ...layers.flat(),
    { name: 'model.norm.weight', shape: [hidden] },
    { name: 'lm_head.weight', shape: [vocab, hidden] },
  ]
}
