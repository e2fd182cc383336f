import { LLM, type LoadOptions } from 'trtllm'
import type { Cli } from './command.js'
import { loadOptionsOf, type ModelFlags, modelNameOf, modelOf } from './flags/model-flags.js'
import { openProgress } from './progress.js'

/** A loaded model and how long loading took. */
export interface OpenedModel {
  /** As the flags name it. */
  readonly name: string
  readonly llm: LLM
  readonly loadSeconds: number
}

/**
 * Loads the model that the flags name, with a progress bar and warnings on stderr; `more` has options that only some
 * commands have flags for. Ends when `cli.signal` does.
 */
export async function openModel(
  flags: ModelFlags,
  { stderr, signal }: Cli,
  more: LoadOptions = {},
): Promise<OpenedModel> {
  const startMs = performance.now()
  const progress = openProgress(stderr)
  try {
    const llm = await LLM.load(modelOf(flags), {
      ...loadOptionsOf(flags),
      ...more,
      signal,
      onProgress: progress.tell,
      onWarning: (message) => stderr.write(`trtllm: warning: ${message}\n`),
    })
    return { name: modelNameOf(flags), llm, loadSeconds: (performance.now() - startMs) / 1000 }
  } finally {
    progress.stop()
  }
}
