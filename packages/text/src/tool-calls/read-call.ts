/** A valid call; `arguments` is the JSON text of an object as the model wrote it. */
export interface ReadCall {
  readonly name: string
  readonly arguments: string
}

/**
 * Reads the JSON of one call. `inside string`: the text ends within a JSON string, so that more of it may follow;
 * `malformed`: no continuation makes it a call.
 */
export function readCall(text: string): ReadCall | 'inside string' | 'malformed' {
  const value = parse(text)
  if (value === undefined) return endsInString(text) ? 'inside string' : 'malformed'
  if (!isObject(value) || typeof value.name !== 'string' || value.name === '') return 'malformed'
  const key = 'arguments' in value ? 'arguments' : 'parameters'
  const given = value[key]
  if (given === undefined || given === null) return { name: value.name, arguments: '{}' }
  // Some models write the arguments as a string of JSON.
  if (typeof given === 'string')
    return isObject(parse(given)) ? { name: value.name, arguments: given } : 'malformed'
  if (!isObject(given)) return 'malformed'
  return { name: value.name, arguments: memberText(text, key) }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether a JSON text breaks off within a string. A raw line break in a string is an error, not a string. */
function endsInString(text: string): boolean {
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!
    if (!inString) inString = character === '"'
    else if (character === '\\') i++
    else if (character === '"') inString = false
    else if (character < ' ') return false
  }
  return inString
}

/**
 * The text of a member's value in a valid JSON object, as it was written: numbers keep their digits. Of members with
 * the same name the last counts, as it does for JSON.parse.
 */
function memberText(json: string, name: string): string {
  let depth = 0
  let found = ''
  /** Where the value of the wanted member began; -1 outside of it. */
  let from = -1
  for (let i = 0; i < json.length; i++) {
    const character = json[i]!
    if (character === '"') {
      const end = stringEnd(json, i)
      const isKey = depth === 1 && from < 0 && isColon(json, end)
      if (isKey && JSON.parse(json.slice(i, end)) === name) from = json.indexOf(':', end) + 1
      i = end - 1
      continue
    }
    const closes = character === '}' || character === ']'
    if (from >= 0 && depth === 1 && (closes || character === ',')) {
      found = json.slice(from, i).trim()
      from = -1
    }
    if (closes) depth--
    else if (character === '{' || character === '[') depth++
  }
  return found
}

/** Whether a colon comes next after white space. */
function isColon(json: string, from: number): boolean {
  const colon = /\s*:/y
  colon.lastIndex = from
  return colon.test(json)
}

function stringEnd(json: string, start: number): number {
  let i = start + 1
  while (json[i] !== '"') i += json[i] === '\\' ? 2 : 1
  return i + 1
}
