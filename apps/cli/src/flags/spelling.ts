import type { Command as Program } from 'commander'

/** Long flags of a command and everything below it, with their dashes. */
export function knownFlags(program: Program): Set<string> {
  const own = program.options.flatMap(({ long }) => (long ? [long] : []))
  return new Set([...own, ...program.commands.flatMap((command) => [...knownFlags(command)])])
}

/**
 * `--max_batch_size=4` -> `--max-batch-size=4` where that is a flag; everything else, and what follows `--`, stays. So a
 * prompt that begins with two dashes stays as it was written.
 */
export function withDashes(argv: readonly string[], known: ReadonlySet<string>): string[] {
  const end = argv.indexOf('--')
  return argv.map((argument, index) => {
    const [, name, value] = /^(--\w[\w-]*)(=.*)?$/s.exec(argument) ?? []
    const dashed = name?.replaceAll('_', '-')
    const isFlag = dashed !== undefined && known.has(dashed) && (end < 0 || index < end)
    return isFlag ? `${dashed}${value ?? ''}` : argument
  })
}

/** A message of the library in the words of the command: its `maxSeqLen` or `max_seq_len` is the flag `--max-seq-len`. */
export function flagWords(message: string, known: ReadonlySet<string>): string {
  return message.replace(/(?<![\w./-])[a-z]+(?:[A-Z]\w*|_[a-z_]+)(?![\w/-]|\.\w)/g, (word) => {
    const dashed = word.replaceAll('_', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    const flag = `--${dashed}`
    return known.has(flag) ? flag : word
  })
}
