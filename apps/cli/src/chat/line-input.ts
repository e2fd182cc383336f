import { createInterface, type Interface } from 'node:readline'
import type { Writable } from 'node:stream'
import type { Cli } from '../command.js'

/** Lines of a person or a pipe, and their Ctrl-C. */
export interface LineInput extends AsyncIterable<string>, Disposable {
  readonly isTerminal: boolean
  /** Shows where to type; nothing in a pipe. */
  prompt(): void
  onInterrupt(listener: () => void): void
  close(): void
}

/** Reads lines from `cli.stdin`: with editing and a history of lines on a terminal, plain in a pipe. */
export function openLineInput({ stdin, stdout, signal }: Cli): LineInput {
  const isTerminal = (stdin as { isTTY?: boolean }).isTTY === true && stdout.isTTY === true
  const lines: Interface = createInterface({
    input: stdin,
    ...(isTerminal && { output: stdout as unknown as Writable, historySize: 1000 }),
    terminal: isTerminal,
    prompt: '> ',
  })
  const close = () => lines.close()
  signal.addEventListener('abort', close, { once: true })
  const iterator = lines[Symbol.asyncIterator]()
  return {
    isTerminal,
    prompt: () => isTerminal && lines.prompt(),
    // A raw terminal makes Ctrl-C an event of readline; it never becomes a signal.
    onInterrupt: (listener) => void lines.on('SIGINT', listener),
    close,
    [Symbol.asyncIterator]: () => iterator,
    [Symbol.dispose]() {
      signal.removeEventListener('abort', close)
      lines.close()
    },
  }
}
