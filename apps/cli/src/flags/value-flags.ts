import { TrtllmError } from '@trtllm/kernels'
import { Option } from 'commander'

const checked = (flags: string, help: string, expects: string, read: (text: string) => unknown): Option => {
  const option = new Option(flags, help)
  return option.argParser((text: string) => {
    const value = read(text)
    if (value !== undefined) return value
    throw new TrtllmError('bad_flag', `${option.long} must be ${expects}; got ${JSON.stringify(text)}.`)
  })
}

const inRange = (value: number, low: number, high: number): number | undefined =>
  value >= low && value <= high ? value : undefined

/** A flag with a whole number, for instance `integerFlag('--max-tokens <count>', 'longest answer', 1, 1e6)`. */
export function integerFlag(flags: string, help: string, low: number, high: number): Option {
  const expects = `an integer from ${low} to ${high}`
  return checked(flags, help, expects, (text) =>
    /^-?\d+$/.test(text) ? inRange(Number(text), low, high) : undefined,
  )
}

/** A flag with a decimal number in low..high. */
export function numberFlag(flags: string, help: string, low: number, high: number): Option {
  const expects = Number.isFinite(high) ? `a number from ${low} to ${high}` : `a number of at least ${low}`
  return checked(flags, help, expects, (text) =>
    /^-?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(text) ? inRange(Number(text), low, high) : undefined,
  )
}

/** A flag with whole numbers from 1 to `high`, separated by commas. */
export function countsFlag(flags: string, help: string, high: number): Option {
  return checked(flags, help, `whole numbers from 1 to ${high}, separated by commas`, (text) => {
    const counts = text.split(',').map((part) => (/^\d+$/.test(part) ? Number(part) : 0))
    return counts.every((count) => count >= 1 && count <= high) ? counts : undefined
  })
}

/** A flag that takes one of some words. */
export function choiceFlag(flags: string, help: string, choices: readonly string[]): Option {
  return checked(flags, help, `one of ${choices.join(', ')}`, (text) =>
    choices.includes(text) ? text : undefined,
  )
}

/** A flag whose text must match a pattern. */
export function patternFlag(flags: string, help: string, pattern: RegExp, expects: string): Option {
  return checked(flags, help, expects, (text) => (pattern.test(text) ? text : undefined))
}

/** A flag that may be given several times; the value is a list. */
export function listFlag(flags: string, help: string): Option {
  return new Option(flags, help).argParser((text: string, all: string[] | undefined) => [
    ...(all ?? []),
    text,
  ])
}
