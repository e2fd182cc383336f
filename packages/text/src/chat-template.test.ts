import { describe, expect, it } from 'vitest'
import { ChatTemplates, type TemplateSource } from './chat-template.js'

const templates = (texts: Record<string, string>) =>
  new ChatTemplates(
    Object.entries(texts).map(([name, text]): TemplateSource => ({ name, text, origin: `model/${name}` })),
    { bos_token: '<s>', eos_token: '</s>' },
    () => new Date(2026, 6, 4, 15, 5, 9),
  )
const render = (text: string, messages: object[] = [], options = {}) =>
  templates({ default: text }).render(messages as never, options)
const each = (body: string) => `{% for m in messages %}${body}{% endfor %}`

describe('chat templates', () => {
  it('give null content as an empty string and text parts as one', () => {
    const messages = [
      { role: 'assistant', content: null, tool_calls: [] },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      { role: 'user' },
    ]
    expect(render(each('[{{ m.content | trim }}]'), messages)).toBe('[][ab][]')
  })

  it.each([
    [[{ role: 'user', content: [{ type: 'image_url' }] }], 'messages[0].content[0] is of type image_url'],
    [[{ role: 'user', content: [{ type: 'text' }] }], 'messages[0].content[0].text is missing'],
    [[{ role: 'user', content: 7 }], 'messages[0].content must be a string or a list of text parts'],
    [[{ content: 'x' }], 'messages[0].role must be one of system, developer, user, assistant, tool'],
    [
      [{ role: 'bogus', content: 'x' }],
      'messages[0].role must be one of system, developer, user, assistant, tool',
    ],
  ])('refuse %j', (messages, message) => {
    expect(() => render(each('x'), messages)).toThrow(message)
  })

  it('give arguments as objects to templates that print them, as text to those that join them', () => {
    const call = (given: unknown) => [
      { role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: given } }] },
    ]
    const printing = each('{{ m.tool_calls[0].function.arguments | tojson }}')
    expect(render(printing, call('{"a":[1,"é"]}'))).toBe('{"a": [1, "é"]}')
    expect(render(printing, call({ a: null }))).toBe('{"a": null}')
    expect(render(printing, call('not json'))).toBe('"not json"')
    const joining = each("{{ 'args: ' + m['tool_calls'][0]['function']['arguments'] }}")
    expect(render(joining, call('{"a":1}'))).toBe('args: {"a":1}')
    expect(render(joining, call({ a: 1 }))).toBe('args: {"a":1}')
  })

  it('print JSON as Transformers does', () => {
    const value = { b: 'é<>&\'"', a: [1, 2.5, true, null], e: {} }
    expect(render('{{ value | tojson }}', [], { value })).toBe(
      '{"b": "é<>&\'\\"", "a": [1, 2.5, true, null], "e": {}}',
    )
    expect(render('{{ value | tojson(indent=2) }}', [], { value: { a: [1] } })).toBe(
      '{\n  "a": [\n    1\n  ]\n}',
    )
    expect(render("{{ value | tojson(separators=(',', ':')) }}", [], { value: { a: [1, 2] } })).toBe(
      '{"a":[1,2]}',
    )
  })

  it('have bos_token, eos_token, strftime_now and the variables of the call', () => {
    expect(render("{{ bos_token }}{{ strftime_now('%d %b %Y') }}{{ eos_token }}")).toBe('<s>04 Jul 2026</s>')
    expect(render('{{ enable_thinking }}|{{ documents }}', [], { enable_thinking: false })).toBe('false|')
    expect(render('{% if add_generation_prompt %}go{% endif %}', [], { addGenerationPrompt: true })).toBe(
      'go',
    )
  })

  it('refuse in their own words', () => {
    const refusal = { code: 'invalid_request', message: 'Roles must alternate' }
    expect(() => render("{{ raise_exception('Roles must alternate') }}")).toThrow(
      expect.objectContaining(refusal) as Error,
    )
  })

  it('use tool_use when there are tools', () => {
    const named = templates({ default: 'plain', tool_use: '{{ tools | length }} tools', rag: 'rag' })
    expect(named.render([])).toBe('plain')
    expect(named.render([], { tools: [] })).toBe('plain')
    expect(named.render([], { tools: [{}, {}] })).toBe('2 tools')
    expect(() => templates({ rag: 'x' }).render([])).toThrow('only templates named rag')
    expect(() => templates({}).render([])).toThrow(expect.objectContaining({ code: 'unsupported' }) as Error)
  })

  it('are found broken when loaded, with their place', () => {
    expect(() => templates({ tool_use: '{% if x %}' })).toThrow(
      expect.objectContaining({
        code: 'bad_tokenizer',
        message: expect.stringContaining('model/tool_use'),
      }) as Error,
    )
  })

  it('name themselves when they use what there is not', () => {
    expect(() => render("{{ 'a' | wordcount }}")).toThrow(/model\/default: .*wordcount/)
  })
})
