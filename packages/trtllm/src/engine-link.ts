import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { childProcessLink, type EngineLink, type EnginePort, hostEngine } from '@trtllm/runtime'
import { loadEngine } from './load-engine.js'

/** A link to an engine that may let the process end while nobody waits for the engine. */
export interface HoldableLink extends EngineLink {
  /** Whether the engine keeps the process alive. */
  hold(isHeld: boolean): void
}

/** The built entry lies beside this module; running from source there is none. */
function entryFile(): string | undefined {
  const here = import.meta.url
  const file = fileURLToPath(new URL(here.endsWith('.cjs') ? './engine-main.cjs' : './engine-main.js', here))
  return existsSync(file) ? file : undefined
}

/**
 * Starts an engine. Without the built entry (source runs, single-file bundles) it runs in the thread of the caller, and
 * loading and scheduling take turns with everything else there.
 */
export function startEngine(isolation: 'thread' | 'process'): HoldableLink {
  const file = entryFile()
  if (!file) return inlineLink()
  return isolation === 'process' ? { ...childProcessLink(file), hold: () => {} } : threadLink(file)
}

function threadLink(file: string): HoldableLink {
  const worker = new Worker(file)
  let failure: Error | undefined
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

/** Both ends in one thread. Messages are cloned and come in a later turn, as over a real link. */
function inlineLink(): HoldableLink {
  let toEngine: (message: unknown) => void = () => {}
  let toFront: (message: unknown) => void = () => {}
  let onGone = () => {}
  let isOver = false
  const deliver = (message: unknown, to: () => (message: unknown) => void) => {
    const copy = structuredClone(message)
    setImmediate(() => !isOver && to()(copy))
  }
  let over: (exitCode: number) => void = () => {}
  const port: EnginePort = {
    post: (message) => deliver(message, () => toFront),
    receive(onMessage, gone) {
      toEngine = onMessage
      onGone = gone
    },
    // What was posted is delivered by tasks that are queued before this one.
    close: () => new Promise((resolve) => setImmediate(resolve)),
  }
  void hostEngine(port, loadEngine).then((code) => over(code))
  return {
    post: (message) => deliver(message, () => toEngine),
    receive(onMessage, onExit) {
      toFront = onMessage
      over = (exitCode) => {
        if (isOver) return
        isOver = true
        onExit({ how: `exited with code ${exitCode}`, exitCode })
      }
    },
    terminate: () => {
      onGone()
    },
    hold: () => {},
  }
}
