/** A parsed object: no prototype, so that a key named `__proto__` is a key like any other. */
export interface JsonObject {
  readonly [key: string]: JsonValue
}

/** Integers that a double cannot hold exactly arrive as bigint. */
export type JsonValue = null | boolean | number | bigint | string | readonly JsonValue[] | JsonObject

/** Where and why a text is not the JSON we accept. `position` counts UTF-16 units from the start. */
export class JsonError extends Error {
  constructor(
    message: string,
    readonly position: number,
  ) {
    super(`${message} at character ${position}`)
  }
}

const maxDepth = 64
const numberPattern = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y

/**
 * Parses JSON as RFC 8259 has it, and refuses what `JSON.parse` lets pass: duplicate keys and nesting beyond 64.
 * @throws JsonError with the position of the first fault.
 */
export function parseStrictJson(text: string): JsonValue {
  const parser = new Parser(text)
  const value = parser.value(0)
  parser.end()
  return value
}

/** True for a parsed object (not null, not an array). */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

class Parser {
  private at = 0

  constructor(private readonly text: string) {}

  value(depth: number): JsonValue {
    if (depth > maxDepth) this.fail(`nesting deeper than ${maxDepth}`)
    this.space()
    const character = this.text[this.at]
    if (character === '{') return this.object(depth)
    if (character === '[') return this.array(depth)
    if (character === '"') return this.string()
    if (character === 't') return this.word('true', true)
    if (character === 'f') return this.word('false', false)
    if (character === 'n') return this.word('null', null)
    return this.number()
  }

  end(): void {
    this.space()
    if (this.at < this.text.length) this.fail('unexpected text after the value')
  }

  private object(depth: number): JsonObject {
    const result: Record<string, JsonValue> = Object.create(null)
    this.at++
    this.space()
    if (this.take('}')) return result
    for (;;) {
      this.space()
      const start = this.at
      if (this.text[start] !== '"') this.fail('expected a key')
      const key = this.string()
      if (key in result) throw new JsonError(`duplicate key "${key}"`, start)
      this.space()
      if (!this.take(':')) this.fail('expected ":"')
      result[key] = this.value(depth + 1)
      this.space()
      if (this.take('}')) return result
      if (!this.take(',')) this.fail('expected "," or "}"')
    }
  }

  private array(depth: number): JsonValue[] {
    const result: JsonValue[] = []
    this.at++
    this.space()
    if (this.take(']')) return result
    for (;;) {
      result.push(this.value(depth + 1))
      this.space()
      if (this.take(']')) return result
      if (!this.take(',')) this.fail('expected "," or "]"')
    }
  }

  /** Finds the closing quote; the engine's own parser then checks and decodes this one token. */
  private string(): string {
    const start = this.at
    let end = start + 1
    while (this.text[end] !== '"') {
      if (end >= this.text.length) this.fail('unterminated string')
      end += this.text[end] === '\\' ? 2 : 1
    }
    this.at = end + 1
    try {
      return JSON.parse(this.text.slice(start, this.at))
    } catch {
      throw new JsonError('malformed string', start)
    }
  }

  private number(): number | bigint {
    numberPattern.lastIndex = this.at
    const match = numberPattern.exec(this.text)
    if (!match) return this.fail(this.at >= this.text.length ? 'unexpected end' : 'unexpected character')
    this.at += match[0].length
    const value = Number(match[0])
    const isInteger = match[1] === undefined && match[2] === undefined
    return isInteger && !Number.isSafeInteger(value) ? BigInt(match[0]) : value
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) this.fail('unexpected character')
    this.at += word.length
    return value
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false
    this.at++
    return true
  }

  private space(): void {
    while (' \t\n\r'.includes(this.text[this.at] ?? 'x')) this.at++
  }

  private fail(message: string): never {
    throw new JsonError(message, this.at)
  }
}
