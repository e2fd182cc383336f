import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TrtllmError } from '@trtllm/kernels'
import { parseModelConfig } from '@trtllm/models'
import { checkpointTensors } from './checkpoint-tensors.js'
import { madeUpTokenizer } from './made-up-tokenizer.js'
import { type WriteProgress, writeShards } from './write-shards.js'

/** The config that a made-up checkpoint begins and ends with: a folder that has it is whole. */
const configFile = 'config.json'

/**
 * Makes a checkpoint with random weights in bf16 and a tokenizer for a model of which only config.json is there. One
 * that was made before for the same config is left as it is.
 * @throws TrtllmError bad_flag for a folder that has something else in it.
 */
export async function makeCheckpoint(shape: string, target: string, tell: WriteProgress): Promise<void> {
  const model = await parseModelConfig(shape)
  const isFile = statSync(shape).isFile()
  const values = JSON.parse(readFileSync(isFile ? shape : join(shape, configFile), 'utf8')) as object
  const config = `${JSON.stringify({ ...values, torch_dtype: 'bfloat16' }, null, 2)}\n`
  const path = join(target, configFile)
  if (statSync(path, { throwIfNoEntry: false })) {
    if (readFileSync(path, 'utf8') === config) return
    throw new TrtllmError(
      'bad_flag',
      `--make-checkpoint ${target}: has another model's ${configFile}; name a new folder`,
    )
  }
  mkdirSync(target, { recursive: true })
  const unfinished = join(target, `${configFile}.unfinished`)
  writeFileSync(unfinished, config)
  try {
    writeFileSync(join(target, 'tokenizer.json'), JSON.stringify(madeUpTokenizer(model.config.vocabSize)))
    writeShards(target, checkpointTensors(model, shape), tell)
    renameSync(unfinished, path)
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw new TrtllmError(
      'bad_flag',
      `--make-checkpoint ${target}: cannot be written: ${(error as Error).message}`,
    )
  }
}
