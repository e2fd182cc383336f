import { indexFileName, singleFileName } from '../checkpoint/shard-index.js'

const namePatterns = [
  /^config\.json$/,
  /^generation_config\.json$/,
  /^hf_quant_config\.json$/,
  /^tokenizer[^/]*\.(json|model)$/,
  /^(special_tokens_map|added_tokens|vocab|processor_config)\.json$/,
  /^merges\.txt$/,
  /^chat_template[^/]*$/,
]

/** Files of a repository's top folder that serving needs, weights aside. */
export const isSupportFile = (path: string): boolean => namePatterns.some((pattern) => pattern.test(path))

/**
 * Weight files to fetch: the one file, or the index first and then the shards it lists (`indexed`, once known).
 * Other *.safetensors beside them (another format of the same weights) are left alone.
 */
export function weightFiles(paths: readonly string[], indexed?: readonly string[]): string[] {
  if (paths.includes(singleFileName)) return [singleFileName]
  if (paths.includes(indexFileName)) return indexed ? [...indexed] : [indexFileName]
  return paths.filter((path) => /^[^/]+\.safetensors$/.test(path))
}
