import { SingleBar } from 'cli-progress'
import type { TextOutput } from './command.js'

/** A load that is over sooner than this shows no bar. */
const quietMs = 400

/**
 * A progress bar on stderr where that is a terminal, and nothing elsewhere. `tell` has the shape of `onProgress` of
 * `LLM.load`; `stop` removes the bar.
 */
export interface Progress {
  tell(stage: string, done: number, total: number): void
  stop(): void
}

/** Makes a bar. Counts of megabytes and more are shown as MiB when `unit` is bytes. */
export function openProgress(stderr: TextOutput, now: () => number = () => performance.now()): Progress {
  if (stderr.isTTY !== true) return { tell() {}, stop() {} }
  const startMs = now()
  const bar = new SingleBar({
    stream: stderr as NodeJS.WritableStream,
    format: '{stage} {bar} {percentage}%',
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
  })
  return {
    tell(stage, done, total) {
      if (now() - startMs < quietMs) return
      if (!bar.isActive) bar.start(total, done, { stage: stage.padEnd(18) })
      bar.setTotal(total)
      bar.update(done, { stage: stage.padEnd(18) })
    },
    stop: () => bar.stop(),
  }
}
