import { TrtllmError } from '@trtllm/kernels'

/** Model data that cannot be used: exit code 65. The message names the file, the tensor or key, expected and found. */
export const badCheckpoint = (message: string): TrtllmError => new TrtllmError('bad_checkpoint', message)

/** A config whose keys cannot all be true: exit code 78. */
export const contradictoryConfig = (message: string): TrtllmError =>
  new TrtllmError('contradictory_config', message)

/** An architecture no family here implements: exit code 65. */
export const unknownArchitecture = (message: string): TrtllmError =>
  new TrtllmError('unknown_architecture', message)
