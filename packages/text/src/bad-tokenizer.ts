import { TrtllmError } from '@trtllm/kernels'

/** Tokenizer data that cannot be used: exit code 65. The message names the file, what is wrong and the remedy. */
export const badTokenizer = (message: string, cause?: unknown): TrtllmError =>
  new TrtllmError('bad_tokenizer', message, cause === undefined ? {} : { cause })
