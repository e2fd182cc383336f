import { parentPort, workerData } from 'node:worker_threads'
import { encodeText } from './encode-text.js'
import type { EncodeAnswer, EncodeTask } from './encode-thread.js'
import { openEncoder } from './load-tokenizer.js'

/** Thread that encodes long texts for one tokenizer directory. */
const { encoder } = openEncoder((workerData as { directory: string }).directory)

parentPort!.on('message', ({ nonce, text, addSpecialTokens }: EncodeTask) => {
  const ids = Uint32Array.from(encodeText(encoder, text, addSpecialTokens))
  parentPort!.postMessage({ nonce, ids } satisfies EncodeAnswer, [ids.buffer])
})
