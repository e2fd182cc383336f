import { readFileSync, statSync } from 'node:fs'
import { TrtllmError } from '@trtllm/kernels'

/** What is wrong inside a file that a flag named; the process ends with 65. */
export const badData = (message: string): TrtllmError => new TrtllmError('bad_checkpoint', message)

/** Reads the file of a flag. @throws TrtllmError bad_flag (exit 64) when there is none that can be read. */
export function readDataText(flag: string, file: string): string {
  const found = statSync(file, { throwIfNoEntry: false })
  if (!found) throw new TrtllmError('bad_flag', `${flag} ${file}: not found; expected a file`)
  if (found.isDirectory()) throw new TrtllmError('bad_flag', `${flag} ${file}: is a folder; expected a file`)
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new TrtllmError('bad_flag', `${flag} ${file}: cannot be read: ${(error as Error).message}`)
  }
}

/** Reads the JSON file of a flag. @throws TrtllmError bad_flag (exit 64), or exit 65 for what is no JSON. */
export function readDataJson(flag: string, file: string): unknown {
  const text = readDataText(flag, file)
  try {
    return JSON.parse(text)
  } catch (error) {
    const size = Buffer.byteLength(text)
    throw badData(`${file}: expected JSON, found ${size} bytes that are none: ${(error as Error).message}`)
  }
}

/** A value as messages spell it. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value) && value.length > 8) return `a list of ${value.length}`
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** The list in a file. @throws TrtllmError exit 65 for anything else, or none. */
export function listOf(value: unknown, where: string, ofWhat: string): unknown[] {
  if (!Array.isArray(value)) throw badData(`${where}: expected a list of ${ofWhat}, found ${show(value)}`)
  if (value.length === 0) throw badData(`${where}: expected at least one of ${ofWhat}, found an empty list`)
  return value
}

/** Typed reads of one object of a file. A wrong member is an error that names file, item, expected and found. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>

  /** `where` begins every message, e.g. `dev.json: item 3`. */
  constructor(
    readonly where: string,
    value: unknown,
  ) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw badData(`${where}: expected an object, found ${show(value)}`)
    this.#values = value as Record<string, unknown>
  }

  /** The value of `key` if `holds`; otherwise `expected` is the middle of the message. */
  read<T>(key: string, expected: string, holds: (value: unknown) => value is T): T {
    const value = this.#values[key]
    if (holds(value)) return value
    throw badData(`${this.where}: ${key}: expected ${expected}, found ${show(value)}`)
  }

  /** As `read`; null and absence give undefined. */
  readOptional<T>(key: string, expected: string, holds: (value: unknown) => value is T): T | undefined {
    return (this.#values[key] ?? undefined) === undefined ? undefined : this.read(key, expected, holds)
  }
}

export const isText = (value: unknown): value is string => typeof value === 'string'
export const isName = (value: unknown): value is string => isText(value) && value !== ''
export const isFiniteNumber = (value: unknown): value is number => Number.isFinite(value)
export const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) > 0
export const isList = (value: unknown): value is unknown[] => Array.isArray(value)
export const isNumbers = (value: unknown): value is number[] => isList(value) && value.every(isFiniteNumber)
export const isTokenIds = (value: unknown): value is number[] =>
  isList(value) && value.every((id) => Number.isSafeInteger(id) && (id as number) >= 0)
