import { parentPort as workerPort } from 'node:worker_threads'
import type { EnginePort } from './port.js'

/** The engine's port to whoever started this module: a worker's parent thread or a child process's parent. */
export function parentPort(): EnginePort {
  if (workerPort) return fromWorker(workerPort)
  if (process.send) return fromChildProcess()
  throw new Error('this module is an engine: start it as a worker thread or a child process')
}

function fromWorker(port: NonNullable<typeof workerPort>): EnginePort {
  return {
    post: (message) => port.postMessage(message),
    receive(onMessage, onGone) {
      port.on('message', onMessage)
      port.on('close', onGone)
    },
    close: () => {
      port.close()
      return Promise.resolve()
    },
  }
}

function fromChildProcess(): EnginePort {
  let unsent = 0
  let closing: (() => void) | undefined
  const closeWhenSent = () => {
    if (!closing || unsent > 0) return
    if (process.connected) process.disconnect()
    closing()
  }
  return {
    post(message) {
      if (!process.connected) return
      unsent++
      process.send?.(message, undefined, undefined, () => {
        unsent--
        closeWhenSent()
      })
    },
    receive(onMessage) {
      process.on('message', onMessage)
      process.on('disconnect', () => {
        // HAZARD: an orderly exit would wait for the device, and a long kernel would hold the GPU for nobody. The
        // parent is gone and there is nothing to save.
        if (!closing) process.kill(process.pid, 'SIGKILL')
      })
    },
    close: () =>
      new Promise((resolve) => {
        closing = resolve
        closeWhenSent()
      }),
  }
}
