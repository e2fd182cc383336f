/** Time and turn-taking as the engine sees them, so that tests can own both. */
export interface Clock {
  /** Milliseconds from an arbitrary start; never goes back. */
  nowMs(): number
  /** Runs a task in a later turn of the event loop, after messages that already wait. */
  soon(task: () => void): void
  /** Runs a task at or after `atMs`; the returned function cancels it. */
  at(atMs: number, task: () => void): () => void
}

/** The real clock. Its timers do not keep a process alive. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  soon: (task) => {
    setImmediate(task)
  },
  at: (atMs, task) => {
    const timer = setTimeout(task, Math.max(0, Math.ceil(atMs - performance.now())))
    timer.unref()
    return () => clearTimeout(timer)
  },
}
