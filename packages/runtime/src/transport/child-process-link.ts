import { type ForkOptions, fork } from 'node:child_process'
import type { EngineLink } from './port.js'

/**
 * Starts an engine module in a child process. The connection is a private socket pair that no other process can open;
 * when either side dies the other is told by the kernel.
 */
export function childProcessLink(modulePath: string | URL, options: ForkOptions = {}): EngineLink {
  const child = fork(modulePath, [], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    ...options,
    serialization: 'advanced',
  })
  return {
    post(message) {
      // A message to a child that is just dying is lost; its exit says so.
      if (child.connected) child.send(message as object, () => {})
    },
    receive(onMessage, onExit) {
      let isOver = false
      child.on('message', onMessage)
      child.on('error', (error) => {
        child.kill('SIGKILL')
        // A process that never started has no exit to wait for.
        if (child.pid !== undefined || isOver) return
        isOver = true
        onExit({ how: `could not be started: ${error.message}` })
      })
      let how: string | undefined
      let exitCode: number | undefined
      // The channel may still hold messages when the process has ended: the engine is over when both have.
      const settle = () => {
        if (how === undefined || child.connected || isOver) return
        isOver = true
        onExit({ how, ...(exitCode !== undefined && { exitCode }) })
      }
      child.on('exit', (code, signal) => {
        how = signal ? `was killed by ${signal}` : `exited with code ${code}`
        exitCode = code ?? undefined
        settle()
      })
      child.on('disconnect', settle)
    },
    terminate: () => {
      child.kill('SIGKILL')
    },
    // When this process ends first, the engine is told by its channel and ends too.
    hold(isHeld) {
      for (const handle of [child, child.channel]) isHeld ? handle?.ref() : handle?.unref()
    },
  }
}
