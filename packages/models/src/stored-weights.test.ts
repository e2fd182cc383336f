import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HfConfig } from './hf-config.js'
import { parseStoredWeights, type StoredWeights } from './stored-weights.js'
import type { JsonObject } from './strict-json.js'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'stored-weights-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

const parse = (quantization_config: JsonObject, folder = directory): StoredWeights | undefined =>
  parseStoredWeights(new HfConfig('config.json', { quantization_config }), folder)

const q = 'model.layers.3.self_attn.q_proj.weight'
const f8 = { num_bits: 8, type: 'float', symmetric: true, dynamic: false }
const compressed = (weights: JsonObject, more: JsonObject = {}): JsonObject => ({
  quant_method: 'compressed-tensors',
  format: 'float-quantized',
  config_groups: { group_0: { targets: ['Linear'], weights } },
  ...more,
})

describe('stored weights', () => {
  it('are plain floats where nothing is said', () => {
    expect(parseStoredWeights(new HfConfig('config.json', {}), directory)).toBeUndefined()
  })

  it.each<[string, JsonObject, Partial<StoredWeights>, string]>([
    ['ModelOpt', { quant_method: 'modelopt', quant_algo: 'FP8' }, { method: 'modelopt FP8' }, '_scale'],
    [
      'ModelOpt with a cache',
      { quant_method: 'modelopt', quant_algo: 'FP8', kv_cache_scheme: f8 },
      { kvCacheIsF8: true },
      '_scale',
    ],
    [
      'DeepSeek and Qwen',
      { quant_method: 'fp8', fmt: 'e4m3', weight_block_size: [128, 128], activation_scheme: 'dynamic' },
      { method: 'fp8', block: [128, 128], kvCacheIsF8: false },
      '_scale_inv',
    ],
    ['AutoFP8', { quant_method: 'fp8', activation_scheme: 'static' }, { method: 'fp8' }, '_scale'],
    ['fbgemm', { quant_method: 'fbgemm_fp8', activation_scale_ub: 1200 }, { method: 'fbgemm_fp8' }, '_scale'],
    ['compressed-tensors by channel', compressed({ ...f8, strategy: 'channel' }), {}, '_scale'],
    [
      'compressed-tensors by block',
      compressed({ ...f8, strategy: 'block', block_structure: [128, 128] }, { kv_cache_scheme: f8 }),
      { block: [128, 128], kvCacheIsF8: true },
      '_scale',
    ],
  ])('of %s', (_name, config, expected, suffix) => {
    const stored = parse(config)!
    expect(stored).toMatchObject(expected)
    expect('block' in stored).toBe('block' in expected)
    expect(stored.scaleName(q)).toBe(`${q}${suffix}`)
    expect(stored.isStored(q)).toBe(true)
    expect(stored.isStored('lm_head.weight')).toBe(false)
    expect(stored.isStored('model.layers.3.input_layernorm.weight')).toBe(false)
    expect(stored.isStored('model.layers.3.self_attn.q_proj.bias')).toBe(false)
  })

  it('of hf_quant_config.json, beside a config that does not speak of them', () => {
    const file = join(directory, 'hf_quant_config.json')
    const quantization = { quant_algo: 'FP8', kv_cache_quant_algo: 'FP8', exclude_modules: ['lm_head'] }
    writeFileSync(file, JSON.stringify({ producer: { name: 'modelopt', version: '0.23.0' }, quantization }))
    try {
      const stored = parseStoredWeights(new HfConfig('config.json', {}), directory)
      expect(stored).toMatchObject({ method: 'modelopt FP8', kvCacheIsF8: true })
    } finally {
      rmSync(file)
    }
  })

  it.each([
    ['model.layers.3.self_attn.q_proj', false],
    ['model.layers.3', false],
    ['q_proj', false],
    ['re:.*self_attn.*', false],
    ['model.layers.3.*', false],
    ['*q_proj', false],
    ['model.layers.30', true],
    ['*k_proj', true],
    ['re:model\\.layers\\.[0-2]\\..*', true],
  ])('but for %s: q_proj of layer 3 is stored: %s', (pattern, isStored) => {
    const stored = parse({ quant_method: 'modelopt', quant_algo: 'FP8', exclude_modules: [pattern] })!
    expect(stored.isStored(q)).toBe(isStored)
  })

  it.each<[JsonObject, string]>([
    [{ quant_method: 'gptq', bits: 4 }, 'quant_method "gptq"'],
    [{ quant_method: 'modelopt', quant_algo: 'NVFP4' }, 'modelopt\'s quant_algo "NVFP4"'],
    [{ quant_method: 'fp8', weight_block_size: [64, 128] }, 'scales for blocks of 64 x 128'],
    [
      compressed({ num_bits: 4, type: 'int', strategy: 'group' }, { format: 'pack-quantized' }),
      'pack-quantized',
    ],
    [compressed({ ...f8, strategy: 'group' }), 'compressed-tensors strategy group'],
    [{ quant_method: 'modelopt', quant_algo: 'FP8', exclude_modules: ['re:('] }, 'no valid expression'],
    [{ quant_method: 'modelopt', quant_algo: 'FP8', exclude_modules: 'lm_head' }, 'a list of strings'],
  ])('%j are refused by name', (config, words) => {
    expect(() => parse(config)).toThrow(words)
  })
})
