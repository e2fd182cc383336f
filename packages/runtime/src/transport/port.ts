/** The engine's end of a connection to its front side. */
export interface EnginePort {
  post(message: unknown): void
  /** Sets the receivers, once. `onGone` is called when the front side is gone without having said so. */
  receive(onMessage: (message: unknown) => void, onGone: () => void): void
  /** Ends the connection; resolves when what was posted has been sent. */
  close(): Promise<void>
}

/** How an engine ended. */
export interface EngineExit {
  /** For messages: "exited with code 70", "was killed by SIGKILL". */
  readonly how: string
  readonly exitCode?: number
}

/** The front side's end: a connection to a running engine, and power over its life. */
export interface EngineLink {
  post(message: unknown): void
  /** Sets the receivers, once. `onExit` comes once, after the last message. */
  receive(onMessage: (message: unknown) => void, onExit: (exit: EngineExit) => void): void
  /** Ends the engine now, whatever it does; `onExit` follows. */
  terminate(): void
  /** Whether the engine keeps this process alive; it does until told otherwise. Absent where it never does. */
  hold?(isHeld: boolean): void
}
