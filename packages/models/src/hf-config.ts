import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { badCheckpoint, contradictoryConfig } from './bad-input.js'
import { isJsonObject, JsonError, type JsonObject, type JsonValue, parseStrictJson } from './strict-json.js'

/** Beyond every size and count of a model: lists are as long as some of them, and a lie would fill them for minutes. */
const largest = 2 ** 24

interface Range {
  readonly min?: number
  readonly max?: number
}

/**
 * Typed reads of a Hugging Face JSON config. A read error names the file, the key, what was expected and what
 * is there. `null` counts as absent, as it does for Transformers.
 */
export class HfConfig {
  constructor(
    /** Path of the file, for messages. */
    readonly file: string,
    readonly values: JsonObject,
    private readonly prefix = '',
  ) {}

  /** Reads and parses a file. @throws TrtllmError bad_checkpoint when it is absent or not a JSON object. */
  static read(file: string): HfConfig {
    if (!existsSync(file)) {
      throw badCheckpoint(`${file}: not found; a model directory needs ${basename(file)}`)
    }
    const value = parseFile(file)
    if (!isJsonObject(value)) throw badCheckpoint(`${file}: expected a JSON object, found ${describe(value)}`)
    return new HfConfig(file, value)
  }

  has(key: string): boolean {
    return this.values[key] !== undefined && this.values[key] !== null
  }

  keys(): string[] {
    return Object.keys(this.values)
  }

  /** An integer; without `fallback` the key is required. */
  integer(key: string, options: Range & { readonly fallback?: number } = {}): number {
    const value = this.required(key, options.fallback, 'an integer')
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) this.wrongType(key, 'an integer', value)
    return this.inRange(key, value as number, { max: largest, ...options })
  }

  /** A finite number; without `fallback` the key is required. */
  number(key: string, options: Range & { readonly fallback?: number } = {}): number {
    const value = this.required(key, options.fallback, 'a number')
    if (typeof value !== 'number' || !Number.isFinite(value)) this.wrongType(key, 'a number', value)
    return this.inRange(key, value as number, options)
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.required(key, fallback, 'true or false')
    if (typeof value !== 'boolean') this.wrongType(key, 'true or false', value)
    return value as boolean
  }

  string(key: string, fallback?: string): string {
    const value = this.required(key, fallback, 'a string')
    if (typeof value !== 'string') this.wrongType(key, 'a string', value)
    return value as string
  }

  /** A list of numbers of one exact length. */
  numbers(key: string, length: number): number[] {
    const value = this.required(key, undefined, `a list of ${length} numbers`)
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'number')) {
      this.wrongType(key, `a list of ${length} numbers`, value)
    }
    const list = value as number[]
    if (list.length !== length) {
      throw contradictoryConfig(
        `${this.file}: ${this.name(key)} must have ${length} numbers, found ${list.length}`,
      )
    }
    return list
  }

  /** A list of strings. */
  strings(key: string): string[] {
    const value = this.required(key, undefined, 'a list of strings')
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
      this.wrongType(key, 'a list of strings', value)
    }
    return value as string[]
  }

  /** Token ids written as one integer, a list of integers, or nothing. */
  tokenIds(key: string): number[] {
    const value = this.values[key] ?? []
    const list = Array.isArray(value) ? value : [value]
    if (!list.every((id) => typeof id === 'number' && Number.isSafeInteger(id) && id >= 0)) {
      this.wrongType(key, 'a token id or a list of token ids', value)
    }
    return list as number[]
  }

  /** A nested object, or undefined where the key is absent or null. */
  section(key: string): HfConfig | undefined {
    const value = this.values[key]
    if (value === undefined || value === null) return undefined
    if (!isJsonObject(value)) this.wrongType(key, 'an object', value)
    return new HfConfig(this.file, value as JsonObject, `${this.name(key)}.`)
  }

  /** An object of these values alone, in the place of this one. */
  with(values: JsonObject): HfConfig {
    return new HfConfig(this.file, values, this.prefix)
  }

  /** The key as messages spell it: with the names of the objects around it. */
  name(key: string): string {
    return `${this.prefix}${key}`
  }

  /** A value as messages spell it. */
  show(key: string): string {
    return describe(this.values[key])
  }

  private required(key: string, fallback: JsonValue | undefined, expected: string): JsonValue {
    const value = this.values[key] ?? fallback
    if (value === undefined) {
      throw badCheckpoint(`${this.file}: ${this.name(key)} is missing; expected ${expected}`)
    }
    return value
  }

  private inRange(key: string, value: number, { min, max }: Range): number {
    if (min !== undefined && value < min) {
      throw contradictoryConfig(`${this.file}: ${this.name(key)} must be at least ${min}, found ${value}`)
    }
    if (max !== undefined && value > max) {
      throw contradictoryConfig(`${this.file}: ${this.name(key)} must be at most ${max}, found ${value}`)
    }
    return value
  }

  private wrongType(key: string, expected: string, found: JsonValue): never {
    throw badCheckpoint(`${this.file}: ${this.name(key)} must be ${expected}, found ${describe(found)}`)
  }
}

function parseFile(file: string): JsonValue {
  try {
    return parseStrictJson(readFileSync(file, 'utf8'))
  } catch (error) {
    const fault = error instanceof JsonError ? 'not valid JSON' : 'cannot be read'
    throw badCheckpoint(`${file}: ${fault}: ${(error as Error).message}`)
  }
}

function describe(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'bigint') return value.toString()
  const text = JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? item.toString() : item))
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
