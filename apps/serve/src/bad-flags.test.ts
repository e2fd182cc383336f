import { StartError } from '@trtllm/serve'
import { describe, expect, test } from 'vitest'
import { parseConfig } from './config-file.js'
import { parseFlags } from './parse-flags.js'
import { serveOptions } from './serve-options.js'

/** What main does with a command line, up to loading; `config` is the text of --config serve.yaml. */
function optionsOf(line: string, config = '', environment: Record<string, string> = {}) {
  const flags = parseFlags(line.split(' ').filter(Boolean), '1.2.3')
  return serveOptions(flags.model, flags.values, parseConfig(config, 'serve.yaml'), environment)
}

function failure(work: () => unknown): [number, string] {
  try {
    work()
  } catch (error) {
    if (error instanceof StartError) return [error.exitCode, error.message]
    throw error
  }
  throw new Error('nothing was refused')
}

/** [command line, exit code, message] */
const flags: [string, number, string][] = [
  ['--max-batch-sise 4', 64, 'There is no flag --max-batch-sise; did you mean --max-batch-size?'],
  ['--max_num_token 4', 64, 'There is no flag --max-num-token; did you mean --max-num-tokens?'],
  ['--hots 0.0.0.0', 64, 'There is no flag --hots; did you mean --host?'],
  ['--frobnicate', 64, 'There is no flag --frobnicate; see --help'],
  ['--port', 64, '--port needs a value; see --help.'],
  ['--port http', 64, '--port must be an integer from 0 to 65535; got "http".'],
  ['--port 70000', 64, '--port must be an integer from 0 to 65535; got 70000.'],
  ['--port=1.5', 64, '--port must be an integer from 0 to 65535; got 1.5.'],
  ['--max_batch_size 0', 64, '--max-batch-size must be an integer from 1 to 4096; got 0.'],
  ['--max-seq-len -4', 64, '--max-seq-len must be an integer from 2 to 10000000; got -4.'],
  [
    '--kv_cache_free_gpu_memory_fraction 1.5',
    64,
    '--kv-cache-free-gpu-memory-fraction must be a number above 0 and at most 1; got 1.5.',
  ],
  [
    '--dtype int8',
    64,
    '--dtype must be one of auto, f32, float32, bf16, bfloat16, f16, float16; got "int8".',
  ],
  ['--device tpu', 64, '--device must be auto, cpu, cuda or cuda:N; got "tpu".'],
  ['--load-format gguf', 64, '--load-format must be one of auto, dummy; got "gguf".'],
  ['--tp_size 2', 64, '--tp-size 2 is not supported in this version, which runs on one device; use 1.'],
  ['--pp-size 4', 64, '--pp-size 4 is not supported in this version, which runs on one device; use 1.'],
  [
    '--kv_cache_dtype nvfp4',
    64,
    '--kv-cache-dtype must be one of auto, fp8, f32, float32, bf16, bfloat16, f16, float16; got "nvfp4".',
  ],
  ['--tokens_per_block 64', 64, '--tokens-per-block is not supported in this version; leave it out.'],
  ['--ssl-keyfile k.pem', 64, '--ssl-keyfile is not supported in this version; leave it out.'],
  ['--trust_remote_code', 64, '--trust-remote-code is not supported in this version; leave it out.'],
  [
    'disaggregated -c x',
    64,
    "The command 'disaggregated' is not supported in this version; only serving one model is.",
  ],
  ['a b', 64, 'Only one model can be served; give one folder or model id.'],
  ['a --model b', 64, 'Only one model can be served; give one folder or model id.'],
  [
    '--host 0.0.0.0',
    64,
    '--host 0.0.0.0 would offer this server to other machines without a key; set --api-key (or TRTLLM_API_KEY), or ' +
      'say --allow-unauthenticated if that is meant.',
  ],
  [
    '--max-output-len 512 --max-seq-len 512',
    78,
    '--max-output-len 512 leaves no room for a prompt in --max-seq-len 512; lower the first.',
  ],
]

/** [YAML, message] */
const files: [string, string][] = [
  ['max_batchsize: 4', "'max_batchsize' in serve.yaml is no option; did you mean 'max_batch_size'?"],
  ['zzzzzzzzzzzz: 1', "'zzzzzzzzzzzz' in serve.yaml is no option; see trtllm-serve --help"],
  ['port: "8000"', '\'port\' in serve.yaml must be an integer from 0 to 65535; got "8000".'],
  [
    'kv_cache_config: { free_gpu_memory_fraction: 2 }',
    "'kv_cache_config.free_gpu_memory_fraction' in serve.yaml must be a number above 0 and at most 1; got 2.",
  ],
  [
    'tokens_per_block: 64',
    "'tokens_per_block' in serve.yaml is not supported in this version; leave it out.",
  ],
  [
    'kv_cache_config: { dtype: int8 }',
    '\'kv_cache_config.dtype\' in serve.yaml must be one of auto, fp8, f32, float32, bf16, bfloat16, f16, float16; got "int8".',
  ],
  ['- a', '--config serve.yaml must hold keys and values.'],
]

describe('a bad flag ends the start with its name', () => {
  test.each(flags)('%s', (line, code, message) => {
    expect(failure(() => optionsOf(line))).toEqual([code, message])
  })

  test.each(files)('file: %s', (config, message) => {
    expect(failure(() => optionsOf('', config))).toEqual([64, message])
  })

  test('a file that is no YAML says so', () => {
    expect(failure(() => optionsOf('', 'a: [1'))[1]).toMatch(/^--config serve\.yaml is not valid YAML: /)
  })

  test('a bad key is not repeated', () => {
    const [, message] = failure(() => optionsOf('--api-key geheim\u00e9'))
    expect(message).toBe(
      '--api-key must be a key of 1 to 512 printable characters without spaces; got something else.',
    )
  })
})

describe('good flags', () => {
  test('defaults', () => {
    expect(optionsOf('')).toEqual({
      model: undefined,
      host: 'localhost',
      port: 8000,
      apiKeys: [],
      servedModelName: undefined,
      maxQueue: undefined,
      maxOutputLen: undefined,
      drainTimeout: 30,
      logLevel: 'info',
      logFormat: 'auto',
      load: { device: 'auto', dtype: 'auto', loadFormat: 'auto' },
    })
  })

  test('both spellings, with = and with a space', () => {
    const dashes = optionsOf(
      'serve dir --max-batch-size 4 --max-num-tokens=64 --kv-cache-free-gpu-memory-fraction 0.5',
    )
    const underscores = optionsOf(
      'dir --max_batch_size=4 --max_num_tokens 64 --kv_cache_free_gpu_memory_fraction=0.5 --tp_size 1 --backend pytorch',
    )
    expect(dashes).toEqual(underscores)
    expect(dashes.model).toBe('dir')
    expect(optionsOf('--model dir').model).toBe('dir')
    expect(dashes.load).toMatchObject({
      maxBatchSize: 4,
      maxNumTokens: 64,
      kvCacheFreeGpuMemoryFraction: 0.5,
    })
  })

  test('the brief: --dtype float16 --max-output-len 128', () => {
    const options = optionsOf('--dtype float16 --max-output-len 128 --log_level warning')
    expect(options).toMatchObject({ maxOutputLen: 128, logLevel: 'warn', load: { dtype: 'f16' } })
  })

  test('the file wins over flags', () => {
    const config =
      'max_batch_size: 9\nkv_cache_config:\n  free_gpu_memory_fraction: 0.7\nserved-model-name: teller'
    const options = optionsOf('--max-batch-size 4 --port 9', config)
    expect(options).toMatchObject({
      port: 9,
      servedModelName: 'teller',
      load: { maxBatchSize: 9, kvCacheFreeGpuMemoryFraction: 0.7 },
    })
  })

  test('the file has blocks under the names of TensorRT-LLM', () => {
    const config = `kv_cache_config: { enable_block_reuse: false, max_tokens: 4096, tokens_per_block: 32, event_buffer_max_size: 9 }
scheduler_config:
  capacity_scheduler_policy: MAX_UTILIZATION
  context_chunking_policy: EQUAL_PROGRESS
batch_wait_timeout_ms: 3`
    expect(optionsOf('--enable-block-reuse --disable_overlap_scheduler', config).load).toMatchObject({
      enableBlockReuse: false,
      disableOverlapScheduler: true,
      kvCacheMaxTokens: 4096,
      eventBufferMaxSize: 9,
      capacitySchedulerPolicy: 'MAX_UTILIZATION',
      contextChunkingPolicy: 'EQUAL_PROGRESS',
      batchWaitTimeoutMs: 3,
    })
    expect(() => optionsOf('', 'kv_cache_config: { tokens_per_block: 64 }')).toThrow(/tokens_per_block' in/)
  })

  test('keys come from flags or the environment and open the network', () => {
    expect(optionsOf('--api-key a --api-key b --host 0.0.0.0').apiKeys).toEqual(['a', 'b'])
    expect(optionsOf('--host ::', '', { TRTLLM_API_KEY: 'c,d' }).apiKeys).toEqual(['c', 'd'])
    expect(optionsOf('--host 0.0.0.0 --allow_unauthenticated').host).toBe('0.0.0.0')
  })

  test('--help and --version are texts', () => {
    const help = parseFlags(['--help'], '1.2.3').help!
    for (const flag of ['--host', '--max-batch-size', '--config', '--api-key']) expect(help).toContain(flag)
    expect(help).not.toContain('--ssl-keyfile')
    expect(parseFlags(['--version'], '1.2.3').help).toBe('1.2.3\n')
  })
})
