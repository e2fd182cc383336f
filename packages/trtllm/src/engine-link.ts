import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  childProcessLink,
  type EngineLink,
  type EnginePort,
  type HostedEngine,
  type HostHooks,
  hostEngine,
  workerLink,
} from '@trtllm/runtime'
import { loadEngine } from './load-engine.js'

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
export function startEngine(isolation: 'thread' | 'process'): EngineLink {
  const file = entryFile()
  if (!file) return inlineLink()
  // Flags of the program (--input-type, --import, --inspect) are not for the engine, and some would keep it from starting.
  const options = { execArgv: [] }
  return isolation === 'process' ? childProcessLink(file, options) : workerLink(file, options)
}

/** Both ends in one thread. Messages are cloned and come in a later turn, as over a real link. */
function inlineLink(): EngineLink {
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
  // A thread or a process takes what it holds along when it is ended; here it has to be given back.
  let hosted: HostedEngine | undefined
  let isTerminated = false
  const giveBack = () => hosted?.engine.close(false).then(hosted.dispose)
  const load = async (config: unknown, hooks: HostHooks) => {
    hosted = await loadEngine(config, hooks)
    if (isTerminated) await giveBack()
    return hosted
  }
  void hostEngine(port, load).then((code) => over(code))
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
      isTerminated = true
      onGone()
      void giveBack()
    },
  }
}
