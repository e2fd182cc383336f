import type { Command as Program } from 'commander'
import {
  type DTypeName,
  embeddedModelPath,
  type KvCacheDTypeName,
  type LoadOptions,
  type QuantName,
} from 'trtllm'
import { addRuntimeFlags, type RuntimeFlags, runtimeOptionsOf } from './runtime-flags.js'
import { choiceFlag, integerFlag, numberFlag, patternFlag } from './value-flags.js'

/** The precisions that `--dtype` takes. */
export const dtypeNames: readonly DTypeName[] = [
  'auto',
  'f32',
  'float32',
  'bf16',
  'bfloat16',
  'f16',
  'float16',
]

/** `--device`. */
export const deviceFlag = () =>
  patternFlag(
    '--device <device>',
    'auto, cpu, cuda, cuda:N or null (default auto)',
    /^(auto|cpu|null|cuda(:\d{1,3})?)$/,
    'auto, cpu, cuda, cuda:N or null',
  )

/** `--dtype`. */
export const dtypeFlag = () =>
  choiceFlag('--dtype <dtype>', 'precision: f32, bf16, f16 (default: that of the checkpoint)', dtypeNames)

/** `--quant`. */
export const quantFlag = () =>
  choiceFlag('--quant <format>', 'weights: none (as --dtype says), fp8 or int8', ['none', 'fp8', 'int8'])

/** `--kv-cache-dtype`. */
export const kvCacheDtypeFlag = () =>
  choiceFlag('--kv-cache-dtype <dtype>', 'KV cache: fp8, or as --dtype (default: auto, the latter)', [
    ...dtypeNames,
    'fp8',
  ])

/** `--threads`. */
export const threadsFlag = () =>
  integerFlag('--threads <count>', 'CPU threads (default: one per core)', 1, 4096)

/** Values of the flags of `addModelFlags`. */
export interface ModelFlags extends RuntimeFlags {
  readonly model?: string
  readonly device?: string
  readonly dtype?: DTypeName
  readonly quant?: QuantName
  readonly kvCacheDtype?: KvCacheDTypeName
  readonly threads?: number
  readonly tokenizer?: string
  readonly chatTemplate?: string
  readonly revision?: string
  readonly loadFormat?: 'auto' | 'dummy'
  readonly deterministic?: true
  readonly maxBatchSize?: number
  readonly maxNumTokens?: number
  readonly maxSeqLen?: number
  readonly kvCacheFreeGpuMemoryFraction?: number
}

const million = 1_000_000

/** Adds `--model` and how to load it: the flags that every command with a model has. */
export function addModelFlags(program: Program): Program {
  const described = program
    .option('--model <model>', 'folder or hub id (default: the embedded model)')
    .addOption(deviceFlag())
    .addOption(dtypeFlag())
    .addOption(quantFlag())
    .addOption(kvCacheDtypeFlag())
    .addOption(threadsFlag())
    .option('--tokenizer <folder>', 'folder or hub id of the tokenizer (default: the model)')
    .option('--chat-template <file>', 'file with a chat template that replaces the model’s own')
    .option('--revision <revision>', 'branch, tag or commit of a hub model')
    .addOption(choiceFlag('--load-format <format>', 'auto, or dummy: random weights', ['auto', 'dummy']))
    .option('--deterministic', 'the same bits for a request whatever runs beside it')
    .addOption(integerFlag('--max-batch-size <count>', 'sequences run at once', 1, 4096))
    .addOption(integerFlag('--max-num-tokens <count>', 'tokens of one step', 1, million))
    .addOption(integerFlag('--max-seq-len <count>', 'longest prompt plus answer, in tokens', 2, 10 * million))
    .addOption(
      numberFlag(
        '--kv-cache-free-gpu-memory-fraction <fraction>',
        'share of the free memory for the KV cache',
        0.001,
        1,
      ),
    )
  return addRuntimeFlags(described)
}

/** The folder or hub id that `--model` names. */
export const modelOf = ({ model }: ModelFlags): string => model ?? embeddedModelPath()

/** How the model is called in reports: as it was named, or the name of the embedded one. */
export const modelNameOf = ({ model }: ModelFlags): string => model ?? '@trtllm/tales'

/** What `LLM.load` is to be told. */
export function loadOptionsOf(flags: ModelFlags): LoadOptions {
  const { device, dtype, quant, kvCacheDtype, threads, tokenizer, chatTemplate, revision, loadFormat } = flags
  const { maxBatchSize, maxNumTokens, maxSeqLen, kvCacheFreeGpuMemoryFraction, deterministic } = flags
  return {
    ...{ device, dtype, quant, kvCacheDtype, threads, tokenizer, chatTemplate, revision, loadFormat },
    ...{ maxBatchSize, maxNumTokens, maxSeqLen, kvCacheFreeGpuMemoryFraction, deterministic },
    ...runtimeOptionsOf(flags),
  }
}
