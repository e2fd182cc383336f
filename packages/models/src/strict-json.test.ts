import { describe, expect, it } from 'vitest'
import { parseStrictJson } from './strict-json.js'

describe('parseStrictJson', () => {
  it.each(['null', '-12.5e3', '"a\\u0041\\"\\\\"', '[]', '{"a":[1,{"b":true}],"c":" "}', ' [ 1 , 2 ] '])(
    'agrees with JSON.parse on %s',
    (text) => expect(parseStrictJson(text)).toEqual(JSON.parse(text)),
  )

  it('keeps a key named __proto__', () => {
    const value = parseStrictJson('{"__proto__":{"isAdmin":true}}') as Record<string, unknown>
    expect(Object.keys(value)).toEqual(['__proto__'])
    expect(({ ...value } as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  })

  it('does not round integers', () => {
    expect(parseStrictJson('[9007199254740993]')).toEqual([9007199254740993n])
  })

  it.each([
    ['', 'unexpected end at character 0'],
    ['{"a":1,"a":2}', 'duplicate key "a" at character 7'],
    ['[1,]', 'unexpected character at character 3'],
    ['{"a" 1}', 'expected ":" at character 5'],
    ['{a:1}', 'expected a key at character 1'],
    ['[1 2]', 'expected "," or "]" at character 3'],
    ['"abc', 'unterminated string at character 0'],
    ['"\\x"', 'malformed string at character 0'],
    ['01', 'unexpected text after the value at character 1'],
    ['nul', 'unexpected character at character 0'],
    ['NaN', 'unexpected character at character 0'],
    ['['.repeat(100), 'nesting deeper than 64 at character 65'],
  ])('refuses %s', (text, message) => expect(() => parseStrictJson(text)).toThrow(message))
})
