import { copyFileSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exitCodeOf, TrtllmError } from '@trtllm/kernels'
import { describe, expect, it } from 'vitest'
import { parseModelConfig } from './model-config.js'
import { architectures, findModel } from './registry.js'
import { TinyCheckpoint } from './testing/damaged-checkpoint.js'

const data = 65
const contradiction = 78
const llama3 = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 }

/** Changed keys of config.json, exact message, exit code. */
const table: [Record<string, unknown>, string, number][] = [
  [{ vocab_size: undefined }, 'config.json: vocab_size is missing; expected an integer', data],
  [{ num_attention_heads: null }, 'config.json: num_attention_heads is missing; expected an integer', data],
  [{ hidden_size: '8' }, 'config.json: hidden_size must be an integer, found "8"', data],
  [{ num_hidden_layers: 1.5 }, 'config.json: num_hidden_layers must be an integer, found 1.5', data],
  [{ vocab_size: 2 ** 53 }, 'config.json: vocab_size must be an integer, found 9007199254740992', data],
  [
    { tie_word_embeddings: 'yes' },
    'config.json: tie_word_embeddings must be true or false, found "yes"',
    data,
  ],
  [{ hidden_act: 'gelu' }, 'config.json: hidden_act "gelu" is not supported; expected "silu"', data],
  [
    { eos_token_id: 'end' },
    'config.json: eos_token_id must be a token id or a list of token ids, found "end"',
    data,
  ],
  [{ eos_token_id: [1, 16] }, 'config.json: eos_token_id 16 is outside the vocabulary of 16', contradiction],
  [
    { architectures: undefined },
    'config.json: architectures must be a list with a class name such as "LlamaForCausalLM", found nothing',
    data,
  ],
  [
    { architectures: [] },
    'config.json: architectures must be a list with a class name such as "LlamaForCausalLM", found []',
    data,
  ],
  [
    { quantization_config: { quant_method: 'awq', bits: 4 } },
    'config.json: weights stored with quant_method "awq" are not supported; expected plain f32, f16 or bf16, or fp8 of modelopt (FP8), compressed-tensors (float-quantized), fbgemm_fp8 or fp8 (128 x 128 blocks or a scale for each tensor)',
    data,
  ],
  [{ vocab_size: 0 }, 'config.json: vocab_size must be at least 1, found 0', contradiction],
  [{ num_hidden_layers: -1 }, 'config.json: num_hidden_layers must be at least 1, found -1', contradiction],
  [
    { num_key_value_heads: 3, num_attention_heads: 4 },
    'config.json: num_attention_heads 4 is not a multiple of num_key_value_heads 3',
    contradiction,
  ],
  [
    { num_attention_heads: 3, num_key_value_heads: 3 },
    'config.json: hidden_size 8 is not a multiple of num_attention_heads 3, and head_dim is not given',
    contradiction,
  ],
  [{ head_dim: 5 }, 'config.json: head_dim must be even for rotary embedding, found 5', contradiction],
  [{ rope_theta: 1 }, 'config.json: rope_theta must be greater than 1, found 1', contradiction],
  [
    { partial_rotary_factor: 0.75 },
    'config.json: partial_rotary_factor 0.75 of head_dim 4 rotates 3 elements; expected an even number of at least 2',
    contradiction,
  ],
  [
    { partial_rotary_factor: 2 },
    'config.json: partial_rotary_factor must be at most 1, found 2',
    contradiction,
  ],
  [{ rope_scaling: 'linear' }, 'config.json: rope_scaling must be an object, found "linear"', data],
  [
    { rope_scaling: { type: 'xpos', factor: 2 } },
    'config.json: rope_scaling.type "xpos" is not supported; expected default, linear, dynamic, yarn, longrope, llama3',
    data,
  ],
  [
    { rope_scaling: { type: 'linear' } },
    'config.json: rope_scaling.factor is missing; rope type "linear" needs it',
    contradiction,
  ],
  [
    { rope_scaling: { type: 'dynamic', factor: 0.5 } },
    'config.json: rope_scaling.factor must be at least 1, found 0.5',
    contradiction,
  ],
  [
    { rope_scaling: { ...llama3, low_freq_factor: undefined } },
    'config.json: rope_scaling.low_freq_factor is missing; rope type "llama3" needs it',
    contradiction,
  ],
  [
    { rope_scaling: { ...llama3, low_freq_factor: 8 } },
    'config.json: rope_scaling.low_freq_factor 8 is greater than high_freq_factor 4',
    contradiction,
  ],
  [
    { rope_parameters: { rope_type: 'longrope', long_factor: [1, 1] } },
    'config.json: rope_parameters.short_factor is missing; rope type "longrope" needs it',
    contradiction,
  ],
  [
    { rope_scaling: { type: 'longrope', short_factor: [1], long_factor: [1, 1] } },
    'config.json: rope_scaling.short_factor must have 2 numbers, found 1',
    contradiction,
  ],
  [
    { rope_scaling: { type: 'yarn', factor: 2, beta_fast: 1, beta_slow: 4 } },
    'config.json: rope_scaling.beta_fast 1 is less than beta_slow 4',
    contradiction,
  ],
  [
    { architectures: ['MinistralForCausalLM'], ministral_size: 8, ministral_layers: 2 },
    `config.json: architecture MinistralForCausalLM is not supported; nearest supported: MistralForCausalLM (it does not know ministral_layers, ministral_size); supported: ${architectures.join(', ')}`,
    data,
  ],
]

describe('a bad config is refused', () => {
  it('a file that is no config is told from a folder', async () => {
    const readme = fileURLToPath(new URL('../../../README.md', import.meta.url))
    await expect(parseModelConfig(readme)).rejects.toThrow(
      `${readme}: is a file; expected a model directory with config.json`,
    )
  })

  it.each(table)('%j', async (changes, message, exitCode) => {
    using tiny = new TinyCheckpoint()
    const { directory } = tiny.config(changes)
    const error = await parseModelConfig(directory).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TrtllmError)
    expect((error as Error).message.replace(`${directory}/`, '')).toBe(message)
    expect(exitCodeOf(error)).toBe(exitCode)
  })

  it.each([
    [
      '{"vocab_size":1,"vocab_size":2}',
      'config.json: not valid JSON: duplicate key "vocab_size" at character 16',
    ],
    ['[]', 'config.json: expected a JSON object, found []'],
    ['', 'config.json: not valid JSON: unexpected end at character 0'],
  ])('text %j', async (text, message) => {
    using tiny = new TinyCheckpoint()
    const { directory } = tiny.json('config.json', text)
    await expect(parseModelConfig(directory)).rejects.toThrow(message)
  })

  it('that is not there', async () => {
    await expect(parseModelConfig(join(tmpdir(), 'absent'))).rejects.toThrow(
      'absent/config.json: not found; a model directory needs config.json',
    )
  })
})

describe('parseModelConfig', () => {
  it('takes end ids from generation_config.json, a list or one', async () => {
    using tiny = new TinyCheckpoint()
    expect((await parseModelConfig(tiny.directory)).eosIds).toEqual([1])
    tiny.json('generation_config.json', { eos_token_id: [3, 5, 3] })
    expect((await parseModelConfig(tiny.directory)).eosIds).toEqual([3, 5])
    tiny.json('generation_config.json', { eos_token_id: 7 })
    expect((await parseModelConfig(tiny.directory)).eosIds).toEqual([7])
    tiny.json('generation_config.json', { temperature: 0.5 })
    expect((await parseModelConfig(tiny.directory)).eosIds).toEqual([1])
  })

  it.each([
    [{ torch_dtype: 'bfloat16' }, 'bf16'],
    [{ dtype: 'float16' }, 'f16'],
    [{ dtype: 'torch.float32' }, 'f32'],
    [{}, undefined],
  ])('reads the dtype of %j', async (keys, dtype) => {
    using tiny = new TinyCheckpoint()
    expect((await parseModelConfig(tiny.config(keys).directory)).dtype).toBe(dtype)
  })

  it('names a model by its directory, or by its id where the hub cache holds it', async () => {
    using tiny = new TinyCheckpoint()
    expect((await parseModelConfig(tiny.directory)).name).toBe(basename(tiny.directory))
    const snapshot = tiny.path('models--org--tiny-1b/snapshots/abc')
    mkdirSync(snapshot, { recursive: true })
    copyFileSync(tiny.path('config.json'), join(snapshot, 'config.json'))
    expect((await parseModelConfig(snapshot)).name).toBe('org/tiny-1b')
  })

  it('takes one config.json by its path', async () => {
    using tiny = new TinyCheckpoint()
    const model = await parseModelConfig(tiny.path('config.json'))
    expect(model).toMatchObject({ architecture: 'LlamaForCausalLM', config: { vocabSize: 16 } })
    expect(model.definition).toBe(await findModel('MistralForCausalLM'))
  })
})
