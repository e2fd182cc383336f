import { modelPath } from '@trtllm/tales'

/** Folder of the model that comes with trtllm: a small Llama that tells tales. */
export const embeddedModelPath = (): string => modelPath
