import type { CommanderError } from 'commander'

/** What commander found wrong with a command line, in our words. */
export function usageMessage({ code, message }: CommanderError): string {
  const what = /'([^']*)'/.exec(message)?.[1] ?? ''
  const name = what.split(/[ ,]/).find((word) => word.startsWith('--')) ?? what
  const close = /Did you mean (?:one of )?([^?,]+)/.exec(message)?.[1]
  const remedy = close === undefined ? 'see --help' : `did you mean ${close}?`
  switch (code) {
    case 'commander.unknownOption':
      return `There is no flag ${name}; ${remedy}`
    case 'commander.unknownCommand':
      return `There is no command ${what}; ${remedy}`
    case 'commander.optionMissingArgument':
      return `${name} needs a value; see --help.`
    case 'commander.missingArgument':
      return `<${what}> is needed; see --help.`
    case 'commander.excessArguments':
      return 'There are more words than the command takes; quote texts with spaces, see --help.'
    default:
      return message.replace(/^error: /, '')
  }
}
