import { inspect } from 'node:util'

const longest = 60

/** A value as messages show it: JSON for strings, else as Node prints it; cut where it is long. */
export function shownValue(value: unknown): string {
  const text =
    typeof value === 'string'
      ? JSON.stringify(value)
      : inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 8 })
  return text.length > longest ? `${text.slice(0, longest)}...` : text
}
