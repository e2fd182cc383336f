import { exitCodeOf } from '@trtllm/kernels'
import { describe, expect, it } from 'vitest'
import { parseCohereConfig } from './cohere/cohere.config.js'
import { parseCohere2Config } from './cohere2/cohere2.config.js'
import { parseExaone4Config } from './exaone4/exaone4.config.js'
import { parseGemma2Config } from './gemma2/gemma2.config.js'
import { parseGemma3Config } from './gemma3/gemma3.config.js'
import { HfConfig } from './hf-config.js'
import { parsePhi3Config } from './phi3/phi3.config.js'
import { parseQwen2Config } from './qwen2/qwen2.config.js'
import { parseQwen3Config } from './qwen3/qwen3.config.js'
import { parseQwen3MoeConfig } from './qwen3-moe/qwen3-moe.config.js'
import type { JsonObject } from './strict-json.js'

const sizes = {
  vocab_size: 256,
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
}
const read = <Config>(parse: (config: HfConfig) => Config, keys: JsonObject = {}): Config =>
  parse(new HfConfig('config.json', { ...sizes, ...keys }))
const [full, slides] = ['full_attention', 'sliding_attention']

describe('windows by layer', () => {
  it.each([
    ['Qwen2: off unless switched on', parseQwen2Config, { sliding_window: 16, max_window_layers: 0 }, []],
    [
      'Qwen2: from max_window_layers on',
      parseQwen2Config,
      { use_sliding_window: true, sliding_window: 16, max_window_layers: 2 },
      [2, 3],
    ],
    [
      'Qwen3: by layer_types',
      parseQwen3Config,
      { use_sliding_window: true, layer_types: [slides, full, full, slides] },
      [0, 3],
    ],
    ['Gemma 2: every second, the first one too', parseGemma2Config, {}, [0, 2]],
    ['Gemma 3: all but each sixth', parseGemma3Config, { num_hidden_layers: 7 }, [0, 1, 2, 3, 4, 6]],
    ['Gemma 3: by a pattern', parseGemma3Config, { sliding_window_pattern: 2 }, [0, 2]],
    ['EXAONE 4: by letters, the last one is full', parseExaone4Config, { sliding_window_pattern: 'GL' }, [1]],
    ['EXAONE 4: by a number', parseExaone4Config, { sliding_window_pattern: 3 }, [0, 1, 3]],
    ['EXAONE 4: none', parseExaone4Config, { sliding_window: null, sliding_window_pattern: null }, []],
    ['Cohere 2: all but each fourth', parseCohere2Config, {}, [0, 1, 2]],
  ] as [string, (config: HfConfig) => { windows: readonly (number | undefined)[] }, JsonObject, number[]][])(
    '%s',
    (_name, parse, keys, sliding) => {
      const { windows } = read(parse, keys)
      expect(windows.flatMap((window, layer) => (window === undefined ? [] : [layer]))).toEqual(sliding)
    },
  )
})

describe('experts', () => {
  const experts = { num_experts: 8, num_experts_per_tok: 2, moe_intermediate_size: 32 }

  it('are in every step-th layer but for listed ones', () => {
    const { hasExperts } = read(parseQwen3MoeConfig, {
      ...experts,
      decoder_sparse_step: 2,
      mlp_only_layers: [1],
    })
    expect(hasExperts).toEqual([false, false, false, true])
    expect(read(parseQwen3MoeConfig, experts).hasExperts).toEqual([true, true, true, true])
  })

  it('are refused without their sizes, or with more a token than there are', () => {
    expect(() => read(parseQwen3MoeConfig)).toThrow('num_experts is missing')
    expect(() => read(parseQwen3MoeConfig, { ...experts, num_experts_per_tok: 9 })).toThrow(
      'num_experts_per_tok 9 is more than num_experts 8',
    )
    expect(() => read(parseQwen3MoeConfig, { ...experts, mlp_only_layers: 1 })).toThrow(
      'mlp_only_layers must be a list of layers, found 1',
    )
  })
})

describe('Gemma 3 ropes', () => {
  it('are two, by the older keys and by layer type', () => {
    const rope_scaling = { rope_type: 'linear', factor: 8 }
    const older = read(parseGemma3Config, { rope_theta: 2e6, rope_local_base_freq: 5000, rope_scaling })
    expect(older).toMatchObject({
      rope: { kind: 'linear', base: 2e6 },
      localRope: { kind: 'default', base: 5000 },
    })
    const rope_parameters = {
      full_attention: { rope_type: 'linear', factor: 8, rope_theta: 2e6 },
      sliding_attention: { rope_type: 'default', rope_theta: 5000 },
    }
    expect(read(parseGemma3Config, { rope_parameters })).toEqual(older)
  })

  it('have the defaults of Transformers', () => {
    expect(read(parseGemma3Config)).toMatchObject({
      rope: { base: 1e6 },
      localRope: { base: 1e4 },
      maxSeqLen: 131_072,
    })
  })
})

it('soft caps are off where null and have a default where absent', () => {
  expect(read(parseGemma2Config)).toMatchObject({ attentionSoftcap: 50, logitSoftcap: 30 })
  const off = read(parseGemma2Config, { attn_logit_softcapping: null, final_logit_softcapping: null })
  expect([off.attentionSoftcap, off.logitSoftcap]).toEqual([undefined, undefined])
})

it('Gemma 3 caps the logits of its text class alone', () => {
  const keys = { final_logit_softcapping: 5 }
  expect(read(parseGemma3Config, keys).logitSoftcap).toBe(5)
  const architectures = ['Gemma3ForConditionalGeneration']
  const conditional = read(parseGemma3Config, { architectures, text_config: { ...sizes, ...keys } })
  expect(conditional).toMatchObject({ logitSoftcap: undefined, textPath: 'language_model' })
})

it('Phi-3 calls longrope su or yarn', () => {
  const lists = { short_factor: new Array(8).fill(1), long_factor: new Array(8).fill(2) }
  for (const type of ['su', 'yarn', 'longrope']) {
    const { rope } = read(parsePhi3Config, {
      max_position_embeddings: 128,
      original_max_position_embeddings: 32,
      rope_scaling: { type, ...lists },
    })
    expect(rope).toMatchObject({ kind: 'longrope', longAbove: 32 })
  }
})

it('Command R reaches as far as model_max_length says', () => {
  expect(read(parseCohereConfig, { model_max_length: 131_072 }).maxSeqLen).toBe(131_072)
  expect(read(parseCohereConfig).rope).toMatchObject({ interleaved: true, base: 500_000 })
})

const [data, contradiction] = [65, 78]

describe('a bad config is refused', () => {
  it.each([
    [
      parseQwen2Config,
      { layer_types: [full] },
      'layer_types has 1 entries, num_hidden_layers is 4',
      contradiction,
    ],
    [
      parseQwen2Config,
      { layer_types: [full, slides, full, full] },
      'layer 1 slides, but sliding_window is nothing or switched off',
      contradiction,
    ],
    [
      parseQwen3Config,
      { layer_types: [full, full, 'chunked_attention', full] },
      'layer_types "chunked_attention" is not supported; expected full_attention, sliding_attention',
      data,
    ],
    [parseQwen3Config, { layer_types: 'full' }, 'layer_types must be a list of strings, found "full"', data],
    [parseQwen2Config, { use_mrope: true }, 'use_mrope true is not supported; expected false', data],
    [
      parseQwen2Config,
      { rope_parameters: { full_attention: { rope_theta: 1e4 } } },
      'rope_parameters.full_attention: rope by layer type is not supported for this class; expected one section',
      data,
    ],
    [
      parseGemma2Config,
      { hidden_activation: 'gelu' },
      'hidden_activation "gelu" is not supported; expected "gelu_pytorch_tanh"',
      data,
    ],
    [
      parseGemma2Config,
      { use_bidirectional_attention: true },
      'use_bidirectional_attention true is not supported; expected false',
      data,
    ],
    [
      parseGemma3Config,
      { attn_logit_softcapping: 50 },
      'attn_logit_softcapping 50 is not supported; expected null',
      data,
    ],
    [
      parseGemma3Config,
      { architectures: ['Gemma3ForConditionalGeneration'] },
      'text_config is missing; expected an object',
      data,
    ],
    [
      parseGemma3Config,
      { architectures: ['Gemma3ForConditionalGeneration'], text_config: { hidden_size: 'x' } },
      'text_config.hidden_size must be an integer, found "x"',
      data,
    ],
    [
      parsePhi3Config,
      { rope_scaling: { type: 'linear', factor: 2 } },
      'rope_scaling.type "linear" is not supported; expected default, longrope',
      data,
    ],
    [parsePhi3Config, { hidden_act: 'gelu' }, 'hidden_act "gelu" is not supported; expected "silu"', data],
    [
      parseExaone4Config,
      { sliding_window_pattern: 'LXG' },
      'sliding_window_pattern must be a number or letters L and G, found "LXG"',
      contradiction,
    ],
    [
      parseCohereConfig,
      { use_parallel_block: false },
      'use_parallel_block false is not supported; expected true',
      data,
    ],
    [parseCohereConfig, { rotary_pct: 0.5 }, 'rotary_pct 0.5 is not supported; expected 1', data],
    [
      parseCohere2Config,
      { sliding_window: null },
      'layer 0 slides, but sliding_window is null or switched off',
      contradiction,
    ],
    [parseCohere2Config, { use_qk_norm: true }, 'use_qk_norm true is not supported; expected false', data],
  ] as [(config: HfConfig) => unknown, JsonObject, string, number][])(
    '%o %j',
    (parse, keys, message, exitCode) => {
      let error: unknown
      try {
        read(parse, keys)
      } catch (reason) {
        error = reason
      }
      expect((error as Error | undefined)?.message).toBe(`config.json: ${message}`)
      expect(exitCodeOf(error)).toBe(exitCode)
    },
  )
})
