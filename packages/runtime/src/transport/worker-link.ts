import { Worker, type WorkerOptions } from 'node:worker_threads'
import type { EngineLink } from './port.js'

/** Starts an engine module in a worker thread of this process. */
export function workerLink(module: URL | string, options: WorkerOptions = {}): EngineLink {
  const worker = new Worker(module, options)
  let failure: Error | undefined
  // An exception that the worker did not catch; `exit` follows.
  worker.on('error', (error: Error) => {
    failure = error
  })
  return {
    post: (message) => worker.postMessage(message),
    receive(onMessage, onExit) {
      worker.on('message', onMessage)
      worker.on('exit', (exitCode) => {
        onExit({ how: failure ? `threw: ${failure.message}` : `exited with code ${exitCode}`, exitCode })
      })
    },
    terminate: () => {
      void worker.terminate()
    },
    hold: (isHeld) => (isHeld ? worker.ref() : worker.unref()),
  }
}
