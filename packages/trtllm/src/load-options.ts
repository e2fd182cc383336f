import { type CacheDType, type FloatDType, TrtllmError } from '@trtllm/kernels'
import { weightFormats } from '@trtllm/quant'
import { type Check, isBoolean, isText, oneOf, which, whole } from './option-checks.js'
import { type RuntimeOptions, runtimeChecks, runtimeOptions } from './runtime-options.js'
import { shownValue } from './shown-value.js'

/** Precisions by both of their names; `auto` is the checkpoint's. */
export type DTypeName = 'auto' | FloatDType | 'float32' | 'float16' | 'bfloat16'

/** How keys and values are kept: `auto` and the dtypes as the model computes, `fp8` in e4m3 with half the bytes of bf16. */
export type KvCacheDTypeName = DTypeName | 'fp8'

/** How weights are kept: as the dtype says, or in 8 bits with a scale for each output, rounded while loading. */
export type QuantName = 'none' | 'fp8' | 'int8'

/** How to load a model. Everything is optional. */
export interface LoadOptions extends RuntimeOptions {
  /** `auto` (a GPU where one can be used, else the CPU), `cpu`, `cuda`, `cuda:N`, or `null` (computes nothing). */
  device?: string | undefined
  /** Default `auto`. */
  dtype?: DTypeName | undefined
  /** Format of the weights of linears. Default `none`. */
  quant?: QuantName | undefined
  /** Format of the KV cache: `fp8`, or the dtype that the model computes in. Default `auto`: the latter. */
  kvCacheDtype?: KvCacheDTypeName | undefined
  /**
   * Where the engine runs: `thread` of this process (default), or a `process` of its own, which a crash of the engine
   * does not take along.
   */
  isolation?: 'thread' | 'process' | undefined
  /** Folder or hub id of the tokenizer (default: the model's), or false for none: prompts are token ids then. */
  tokenizer?: string | false | undefined
  /** File or text of a chat template that replaces the model's own. */
  chatTemplate?: string | undefined
  /** Branch, tag or commit of a hub model. */
  revision?: string | undefined
  /** `dummy` fills random weights and needs only a config.json. Default `auto`: the checkpoint. */
  loadFormat?: 'auto' | 'dummy' | undefined
  /** Sequences run at once. Default 256 on a GPU, 64 on the CPU. */
  maxBatchSize?: number | undefined
  /** Tokens of one step. Default 8192 on a GPU, 512 on the CPU. */
  maxNumTokens?: number | undefined
  /** Prompt and answer together, in tokens. Default: what the model is made for, as far as the cache can hold it. */
  maxSeqLen?: number | undefined
  /** Share of the memory free beside the weights that the KV cache may take. Default 0.9 on a GPU; CPU: 25 % of the free memory, at most 4 GiB. */
  kvCacheFreeGpuMemoryFraction?: number | undefined
  /** Most tokens in the KV cache. */
  kvCacheMaxTokens?: number | undefined
  /**
   * Whether a request's tokens and log-probability bits depend on it alone: not on other requests, chunks, pauses, cache hits or
   * restarts of one machine. Costs speed on a GPU, nothing on the CPU. A request without a seed then has seed 0. Default false.
   */
  deterministic?: boolean | undefined
  /** CPU threads. Default: one per physical core. */
  threads?: number | undefined
  /** Graph passes to leave out, by name; `all` for every one. For finding faults. */
  disabledPasses?: readonly string[] | undefined
  /** How loading goes: a stage, and what is done of how much in that stage's unit. */
  onProgress?: ((stage: string, done: number, total: number) => void) | undefined
  /** Hears of things that are worth knowing and no errors. */
  onWarning?: ((message: string) => void) | undefined
  /** Ends loading; `LLM.load` then rejects with its reason. */
  signal?: AbortSignal | undefined
}

/** What the engine is started with. Plain data: it crosses to a thread or a process, again after each restart. */
export interface EngineConfig {
  readonly directory: string
  readonly device: string
  readonly dtype: 'auto' | FloatDType
  readonly quant: QuantName
  /** Absent: the dtype that the model computes in. */
  readonly kvCacheDtype?: CacheDType
  readonly loadFormat: 'auto' | 'dummy'
  readonly maxBatchSize?: number
  readonly maxNumTokens?: number
  readonly maxSeqLen?: number
  readonly kvCacheFreeGpuMemoryFraction?: number
  readonly kvCacheMaxTokens?: number
  readonly deterministic?: boolean
  readonly threads?: number
  readonly disabledPasses?: readonly string[]
  readonly runtime?: RuntimeOptions
}

const dtypeNames: Readonly<Record<DTypeName, 'auto' | FloatDType>> = {
  auto: 'auto',
  f32: 'f32',
  float32: 'f32',
  f16: 'f16',
  float16: 'f16',
  bf16: 'bf16',
  bfloat16: 'bf16',
}

const kvCacheDtypeNames: Readonly<Record<KvCacheDTypeName, 'auto' | CacheDType>> = {
  ...dtypeNames,
  fp8: 'f8',
}

/** Every option, and what is wrong with a value: what was expected, or undefined. */
const checks: Readonly<Record<keyof LoadOptions, Check>> = {
  device: which(
    'auto, cpu, cuda, cuda:N or null',
    (value) => isText(value) && /^(auto|cpu|null|cuda(:\d{1,3})?)$/.test(value),
  ),
  dtype: oneOf(...Object.keys(dtypeNames)),
  quant: oneOf('none', ...weightFormats.keys()),
  kvCacheDtype: oneOf(...Object.keys(kvCacheDtypeNames)),
  isolation: oneOf('thread', 'process'),
  tokenizer: which(
    'a folder, a hub id or false',
    (value) => value === false || (isText(value) && value !== ''),
  ),
  chatTemplate: which('a file or the text of a template', isText),
  revision: which('a branch, tag or commit', (value) => isText(value) && value !== ''),
  loadFormat: oneOf('auto', 'dummy'),
  maxBatchSize: whole(1),
  maxNumTokens: whole(1),
  maxSeqLen: whole(2),
  kvCacheFreeGpuMemoryFraction: which(
    'a number above 0 and at most 1',
    (value) => typeof value === 'number' && value > 0 && value <= 1,
  ),
  kvCacheMaxTokens: whole(1),
  ...runtimeChecks,
  deterministic: isBoolean,
  threads: whole(1),
  disabledPasses: which('a list of pass names', (value) => Array.isArray(value) && value.every(isText)),
  onProgress: which('a function', isFunction),
  onWarning: which('a function', isFunction),
  signal: which(
    'an AbortSignal',
    (value) => typeof value === 'object' && value !== null && 'aborted' in value,
  ),
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

/** @throws TrtllmError bad_flag naming an option that is unknown or out of range. */
export function checkLoadOptions(options: LoadOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) {
      const known = Object.keys(checks).join(', ')
      throw new TrtllmError('bad_flag', `${name} is no option of LLM.load; expected one of ${known}`)
    }
    const expected = value === undefined ? undefined : checks[name as keyof LoadOptions](value)
    if (expected !== undefined)
      throw new TrtllmError('bad_flag', `${name} is ${shownValue(value)}, expected ${expected}`)
  }
}

/** The engine's part of checked options. */
export function engineConfig(directory: string, options: LoadOptions): EngineConfig {
  const { maxBatchSize, maxNumTokens, maxSeqLen, threads, disabledPasses } = options
  const { kvCacheFreeGpuMemoryFraction, kvCacheMaxTokens, deterministic } = options
  const runtime = runtimeOptions(options)
  const kvCacheDtype = kvCacheDtypeNames[options.kvCacheDtype ?? 'auto']
  const optional = {
    ...(kvCacheDtype !== 'auto' && { kvCacheDtype }),
    ...{ maxBatchSize, maxNumTokens, maxSeqLen, threads, disabledPasses },
    ...{ kvCacheFreeGpuMemoryFraction, kvCacheMaxTokens, deterministic },
    ...(Object.keys(runtime).length > 0 && { runtime }),
  }
  return {
    directory,
    device: options.device ?? 'auto',
    dtype: dtypeNames[options.dtype ?? 'auto'],
    quant: options.quant ?? 'none',
    loadFormat: options.loadFormat ?? 'auto',
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  }
}
