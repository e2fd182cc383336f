import { readFile } from 'node:fs/promises'
import { StartError } from '@trtllm/serve'
import { parse } from 'yaml'
import { nearest } from './nearest.js'
import { type OptionValues, optionTable, type ServeOption, unsupportedOptions } from './option-table.js'
import { checkUnsupported, checkValue } from './parse-flags.js'

const options: Record<string, ServeOption> = optionTable

/** TensorRT-LLM's names for options of ours, nested ones with a dot. */
const aliases: Record<string, string> = {
  tensor_parallel_size: 'tp_size',
  pipeline_parallel_size: 'pp_size',
  'kv_cache_config.free_gpu_memory_fraction': 'kv_cache_free_gpu_memory_fraction',
  'kv_cache_config.max_tokens': 'kv_cache_max_tokens',
  'kv_cache_config.enable_block_reuse': 'enable_block_reuse',
  'kv_cache_config.enable_partial_reuse': 'enable_partial_reuse',
  'kv_cache_config.copy_on_partial_reuse': 'copy_on_partial_reuse',
  'kv_cache_config.event_buffer_max_size': 'event_buffer_max_size',
  'kv_cache_config.dtype': 'kv_cache_dtype',
  'kv_cache_config.tokens_per_block': 'tokens_per_block',
  'scheduler_config.capacity_scheduler_policy': 'capacity_scheduler_policy',
  'scheduler_config.context_chunking_policy': 'context_chunking_policy',
}

const blocks = new Set(['kv_cache_config', 'scheduler_config'])

/**
 * Reads options from a YAML file: the keys are the flags' names (dashes or underscores) or TensorRT-LLM's.
 * @throws StartError 64 naming the key and, where it is unknown, the nearest one.
 */
export async function readConfigFile(file: string): Promise<OptionValues> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new StartError(64, `--config ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
  return parseConfig(text, file)
}

/** The options of a YAML text; `file` names it in errors. */
export function parseConfig(text: string, file: string): OptionValues {
  let document: unknown
  try {
    document = parse(text, { maxAliasCount: 100 })
  } catch (error) {
    throw new StartError(64, `--config ${file} is not valid YAML: ${(error as Error).message.split('\n')[0]}`)
  }
  if (document === null || document === undefined) return {}
  if (typeof document !== 'object' || Array.isArray(document))
    throw new StartError(64, `--config ${file} must hold keys and values.`)
  const values: Record<string, unknown> = {}
  for (const [name, value] of flatten(document as Record<string, unknown>)) {
    const spelled = name.replaceAll('-', '_')
    const key = Object.hasOwn(aliases, spelled) ? aliases[spelled]! : spelled
    if (Object.hasOwn(unsupportedOptions, key)) checkUnsupported(`'${name}' in ${file}`, key, value)
    else if (!Object.hasOwn(options, key)) throw unknownKey(name, file)
    else {
      const listed = options[key]!.kind === 'list' && typeof value === 'string' ? [value] : value
      values[key] = checkValue(`'${name}' in ${file}`, options[key]!, listed)
    }
  }
  return values as OptionValues
}

/** Members of nested blocks are named with a dot. */
function flatten(document: Record<string, unknown>): [string, unknown][] {
  return Object.entries(document).flatMap(([name, value]): [string, unknown][] =>
    blocks.has(name.replaceAll('-', '_')) && typeof value === 'object' && value !== null
      ? Object.entries(value).map(([inner, each]): [string, unknown] => [`${name}.${inner}`, each])
      : [[name, value]],
  )
}

function unknownKey(name: string, file: string): StartError {
  const close = nearest(name, [...Object.keys(options), ...Object.keys(aliases)])
  const remedy = close === undefined ? 'see trtllm-serve --help' : `did you mean '${close}'?`
  return new StartError(64, `'${name}' in ${file} is no option; ${remedy}`)
}
