import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createToolCallParser, type ParsedToolCalls, parseToolCalls } from './tool-call-parser.js'

/** Parses a text in pieces. Calls must come before their arguments, in order. */
function stream(pieces: string[]): ParsedToolCalls {
  const parser = createToolCallParser('hermes')
  const result: ParsedToolCalls = { content: '', calls: [] }
  for (const event of [...pieces.flatMap((piece) => parser.push(piece)), ...parser.flush()]) {
    if (event.type === 'text') {
      expect(event.text).not.toBe('')
      result.content += event.text
    } else if (event.type === 'call') {
      expect(event.index).toBe(result.calls.length)
      result.calls.push({ name: event.name, arguments: '' })
    } else result.calls[event.index]!.arguments += event.text
  }
  return result
}

const call = (body: string) => `<tool_call>\n${body}\n</tool_call>`
const simple = call('{"name": "add", "arguments": {"a": 1}}')

const samples: [name: string, text: string, expected: ParsedToolCalls][] = [
  ['plain text', 'No call < here > at all.  \n', { content: 'No call < here > at all.  \n', calls: [] }],
  ['one call', simple, { content: '', calls: [{ name: 'add', arguments: '{"a": 1}' }] }],
  [
    'text before a call, without its white space',
    `Let me see.\n\n${simple}\n`,
    { content: 'Let me see.', calls: [{ name: 'add', arguments: '{"a": 1}' }] },
  ],
  [
    'two calls and text after them',
    `${simple}\n${call('{"arguments": {}, "name": "go"}')}\nDone. \n`,
    {
      content: 'Done. \n',
      calls: [
        { name: 'add', arguments: '{"a": 1}' },
        { name: 'go', arguments: '{}' },
      ],
    },
  ],
  [
    'numbers and spacing as they were written',
    call(
      '{"name":"f","arguments":{"id" : 9007199254740993,"x":1.50,"s":"\\u00e9 } ] , \\" é","n":{"a":[1,{"b":2}]}}}',
    ),
    {
      content: '',
      calls: [
        {
          name: 'f',
          arguments: '{"id" : 9007199254740993,"x":1.50,"s":"\\u00e9 } ] , \\" é","n":{"a":[1,{"b":2}]}}',
        },
      ],
    },
  ],
  [
    'tags inside an argument',
    call('{"name": "write", "arguments": {"text": "<tool_call> </tool_call> \\n"}}'),
    { content: '', calls: [{ name: 'write', arguments: '{"text": "<tool_call> </tool_call> \\n"}' }] },
  ],
  [
    'a member of an inner object with the same name',
    call('{"x": {"arguments": {"no": 1}}, "name": "f", "arguments": {"arguments": {"yes": 2}}}'),
    { content: '', calls: [{ name: 'f', arguments: '{"arguments": {"yes": 2}}' }] },
  ],
  ['no arguments', call('{"name": "now"}'), { content: '', calls: [{ name: 'now', arguments: '{}' }] }],
  [
    'arguments as a string of JSON',
    call('{"name": "f", "arguments": "{\\"a\\": [1]}"}'),
    { content: '', calls: [{ name: 'f', arguments: '{"a": [1]}' }] },
  ],
  [
    'parameters for arguments',
    call('{"name": "f", "parameters": {"a": null}}'),
    { content: '', calls: [{ name: 'f', arguments: '{"a": null}' }] },
  ],
  [
    'a call whose closing tag never came',
    '<tool_call>{"name": "f", "arguments": {}}',
    { content: '', calls: [{ name: 'f', arguments: '{}' }] },
  ],
  ...[
    '<tool_call>{"name": "f", "arguments": {"a"',
    '<tool_call>',
    'a <tool_ca',
    call('{"name": "f", "arguments": [1]}'),
    call('{"name": "", "arguments": {}}'),
    call('{"name": f, "arguments": {}}'),
    call("{'name': 'f'}"),
    call('{"name": "f, "arguments": {}}'),
    call('not json'),
    call(''),
    '</tool_call> alone',
  ].map((text): [string, string, ParsedToolCalls] => [
    `no call: ${text}`,
    text,
    { content: text, calls: [] },
  ]),
  [
    'a good call after a bad one',
    `${call('{"name": bad}')}\n${simple}`,
    { content: call('{"name": bad}'), calls: [{ name: 'add', arguments: '{"a": 1}' }] },
  ],
  [
    'a good call after one that was not closed',
    `<tool_call>{"name": "f"\n${simple}`,
    { content: '<tool_call>{"name": "f"', calls: [{ name: 'add', arguments: '{"a": 1}' }] },
  ],
]

describe('hermes tool calls', () => {
  it.each(samples)('%s', (_, text, expected) => {
    expect(parseToolCalls(text)).toEqual(expected)
    expect(stream([...text])).toEqual(expected)
    for (let cut = 0; cut <= text.length; cut++)
      expect(stream([text.slice(0, cut), text.slice(cut)])).toEqual(expected)
  })

  it('are the same in pieces as whole, for any text', () => {
    const part = fc.oneof(
      fc.constantFrom(
        '<tool_call>',
        '</tool_call>',
        '\n',
        ' ',
        '"',
        '{',
        '}',
        '\\',
        '<tool',
        'x',
        'é👍',
        simple,
      ),
      fc.constantFrom('{"name": "f", "arguments": {}}', '{"name":"g","arguments":{"a":"<tool_call>"}}'),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 12 }), (parts, cuts) => {
        const text = parts.join('')
        const at = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length]
        const pieces = at.slice(1).map((end, index) => text.slice(at[index], end))
        expect(stream(pieces)).toEqual(parseToolCalls(text))
      }),
      { numRuns: 3000 },
    )
  })

  it('any valid arguments come back with their meaning', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string({ minLength: 1 }), (given, name) => {
        const { calls, content } = parseToolCalls(call(JSON.stringify({ name, arguments: given })))
        expect(content).toBe('')
        expect(calls.map((each) => ({ ...each, arguments: JSON.parse(each.arguments) }))).toEqual([
          { name, arguments: JSON.parse(JSON.stringify(given)) },
        ])
      }),
    )
  })

  it('text goes out as soon as it cannot be a tag', () => {
    const parser = createToolCallParser('hermes')
    expect(parser.push('a < b')).toEqual([{ type: 'text', text: 'a < b' }])
    expect(parser.push(' \n<tool_')).toEqual([])
    expect(parser.push('box')).toEqual([{ type: 'text', text: ' \n<tool_box' }])
  })

  it('an unknown format is refused', () => {
    expect(() => createToolCallParser('pythonic' as never)).toThrow(
      "tool-call format 'pythonic': expected one of hermes",
    )
  })
})
