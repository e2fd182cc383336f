import { resolveModel } from '@trtllm/models/checkpoint'
import type { Cli, Command } from '../command.js'
import { openProgress } from '../progress.js'

/** `trtllm pull`: fetches a model of the hub into the Hugging Face cache. */
export const pull: Command = {
  name: 'pull',
  summary: 'Download a model of the Hugging Face hub and print its folder.',
  example: 'pull meta-llama/Llama-3.2-1B-Instruct',
  configure(program, cli) {
    program
      .argument('<model>', 'hub id (org/name), or a folder, which is printed as it is')
      .option('--revision <revision>', 'branch, tag or commit (default main)')
      .option('--no-weights', 'config and tokenizer only')
      .option('--json', 'print a JSON object')
      .action(cli.run((model: string, flags: PullFlags) => runPull(model, flags, cli)))
    program.addHelpText(
      'after',
      '\nReads HF_TOKEN, HF_HOME, HF_ENDPOINT and HF_HUB_OFFLINE. A broken download goes on where it stopped.' +
        '\nExit codes: 65 no such model or no access to it, 69 the hub cannot be reached.',
    )
  },
}

interface PullFlags {
  readonly revision?: string
  readonly weights: boolean
  readonly json?: boolean
}

async function runPull(model: string, { revision, weights, json }: PullFlags, cli: Cli): Promise<number> {
  const { stdout, stderr, signal } = cli
  const progress = openProgress(stderr)
  try {
    const directory = await resolveModel(model, {
      ...(revision !== undefined && { revision }),
      weights,
      signal,
      onProgress: ({ file, done, total }) => progress.tell(file, done, total),
      onWarning: (message) => stderr.write(`trtllm pull: warning: ${message}\n`),
    })
    stdout.write(json ? `${JSON.stringify({ model, directory })}\n` : `${directory}\n`)
    return 0
  } finally {
    progress.stop()
  }
}
