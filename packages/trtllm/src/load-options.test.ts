import { describe, expect, it } from 'vitest'
import { checkLoadOptions, engineConfig, type LoadOptions } from './load-options.js'

describe('load options', () => {
  it.each([
    [{ devise: 'cpu' }, /^devise is no option of LLM\.load; expected one of device, dtype/],
    [{ device: 'gpu' }, 'device is "gpu", expected auto, cpu, cuda, cuda:N or null'],
    [{ dtype: 'int8' }, /^dtype is "int8", expected one of auto, f32, float32/],
    [{ isolation: 'none' }, 'isolation is "none", expected one of thread, process'],
    [{ loadFormat: 'gguf' }, 'loadFormat is "gguf", expected one of auto, dummy'],
    [{ maxBatchSize: 0 }, 'maxBatchSize is 0, expected a whole number of at least 1'],
    [{ maxNumTokens: 1.5 }, 'maxNumTokens is 1.5, expected a whole number of at least 1'],
    [{ maxSeqLen: 1 }, 'maxSeqLen is 1, expected a whole number of at least 2'],
    [{ kvCacheFreeGpuMemoryFraction: 0 }, /^kvCacheFreeGpuMemoryFraction is 0, expected a number above 0/],
    [{ tokenizer: true }, 'tokenizer is true, expected a folder, a hub id or false'],
    [{ chatTemplate: {} }, 'chatTemplate is {}, expected a file or the text of a template'],
    [{ revision: '' }, 'revision is "", expected a branch, tag or commit'],
    [{ kvCacheMaxTokens: 2n }, 'kvCacheMaxTokens is 2n, expected a whole number of at least 1'],
    [
      { capacitySchedulerPolicy: 'MAX' },
      /^capacitySchedulerPolicy is "MAX", expected one of RESERVE_AND_GROW, /,
    ],
    [
      { contextChunkingPolicy: 'ALL' },
      /^contextChunkingPolicy is "ALL", expected one of FIRST_COME_FIRST_SERVED/,
    ],
    [{ batchWaitMaxTokensRatio: 2 }, 'batchWaitMaxTokensRatio is 2, expected a number from 0 to 1'],
    [{ batchWaitTimeoutMs: -1 }, 'batchWaitTimeoutMs is -1, expected a whole number of at least 0'],
    [{ enableBlockReuse: 'no' }, 'enableBlockReuse is "no", expected true or false'],
    [
      { kvCacheDtype: 'int8' },
      'kvCacheDtype is "int8", expected one of auto, f32, float32, f16, float16, bf16, bfloat16, fp8',
    ],
    [{ reserveTokens: 0 }, 'reserveTokens is 0, expected a whole number of at least 1'],
    [{ disabledPasses: 'all' }, 'disabledPasses is "all", expected a list of pass names'],
    [{ onProgress: 1 }, 'onProgress is 1, expected a function'],
    [{ onWarning: null }, 'onWarning is null, expected a function'],
    [{ signal: {} }, 'signal is {}, expected an AbortSignal'],
    [{ threads: -1 }, 'threads is -1, expected a whole number of at least 1'],
  ])('refuse %o', (options, message) => {
    const expected = typeof message === 'string' ? message : expect.stringMatching(message)
    expect(() => checkLoadOptions(options as LoadOptions)).toThrow(
      expect.objectContaining({ code: 'bad_flag', exitCode: 64, message: expected }) as Error,
    )
  })

  it('reach the engine as plain data, with dtypes by one name', () => {
    const options: LoadOptions = {
      dtype: 'float16',
      maxSeqLen: undefined,
      maxBatchSize: 4,
      kvCacheDtype: 'fp8',
      capacitySchedulerPolicy: 'MAX_UTILIZATION',
      enablePartialReuse: false,
      onProgress: () => {},
      tokenizer: false,
    }
    checkLoadOptions(options)
    expect(engineConfig('dir', options)).toEqual({
      directory: 'dir',
      device: 'auto',
      dtype: 'f16',
      quant: 'none',
      loadFormat: 'auto',
      maxBatchSize: 4,
      kvCacheDtype: 'f8',
      runtime: { capacitySchedulerPolicy: 'MAX_UTILIZATION', enablePartialReuse: false },
    })
  })
})
