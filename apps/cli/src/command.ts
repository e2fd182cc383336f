import type { Readable } from 'node:stream'
import type { Command as Program } from 'commander'

/** Where text goes. `process.stdout` is one; tests give an object that collects. */
export interface TextOutput {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** What the process lends a command. */
export interface Surroundings {
  /** Results only: text for people, or with `--json` nothing but one JSON value. */
  readonly stdout: TextOutput
  /** Progress (only where it is a terminal), statistics, warnings and errors. */
  readonly stderr: TextOutput
  readonly stdin: Readable
  readonly environment: Readonly<Record<string, string | undefined>>
  /** How to start this program once more: Node and the script. */
  readonly program: readonly string[]
  /** Aborts on SIGINT, SIGTERM or when nobody reads stdout any more; its reason says which exit code follows. */
  readonly signal: AbortSignal
}

/** A command's side of the frame. */
export interface Cli extends Surroundings {
  /** What was typed: `trtllm bench latency --isl 128`. */
  readonly commandLine: string
  /**
   * Wraps the action of a commander command: `program.action(cli.run(async (argument, options) => 0))`. The number is
   * the exit code, nothing is 0. What the action throws becomes `trtllm <command>: <message>` on stderr and the exit
   * code of the error, so that an action catches only what it can mend.
   */
  run<Arguments extends unknown[]>(
    action: (...given: Arguments) => Promise<number | undefined> | number | undefined,
  ): (...given: Arguments) => Promise<void>
}

/**
 * One command of `trtllm`: a file in `commands/` and a line in `command-table.ts`. `configure` gets an empty commander
 * command that has name and summary already; it adds options, arguments, subcommands (with
 * `program.command('logits')`) and the action. Flags are declared with dashes; underscores are accepted by the frame.
 */
export interface Command {
  readonly name: string
  /** One line of `trtllm --help`. */
  readonly summary: string
  /** A command line that works, without `trtllm`; shown by --help. */
  readonly example: string
  configure(program: Program, cli: Cli): void
}
