// node make-models.mjs --shape DIR --out DIR: random weights of a Llama shape as a Hugging Face folder (safetensors, bf16)
// and as two GGUF files (bf16, Q8_0). The same numbers in all of them.
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gaussianTable, llamaTensors } from './weights.mjs'
import { writeGguf } from './write-gguf.mjs'
import { writeSafetensors } from './write-safetensors.mjs'

/** Paths of the model in each format; files that are there already are kept. */
export function makeModels(shape, out) {
  const config = JSON.parse(readFileSync(join(shape, 'config.json'), 'utf8'))
  const tensors = llamaTensors(config)
  const paths = { folder: join(out, 'hf'), bf16: join(out, 'bf16.gguf'), q8_0: join(out, 'q8_0.gguf') }
  mkdirSync(paths.folder, { recursive: true })
  copyFileSync(join(shape, 'config.json'), join(paths.folder, 'config.json'))
  let table
  const once = (path, write) => {
    if (existsSync(path)) return
    table ??= gaussianTable()
    write()
  }
  const weights = join(paths.folder, 'model.safetensors')
  once(weights, () => writeSafetensors(weights, tensors, table))
  for (const format of ['bf16', 'q8_0'])
    once(paths[format], () => writeGguf(paths[format], config, tensors, table, format))
  return paths
}
