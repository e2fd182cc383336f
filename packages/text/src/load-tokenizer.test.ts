import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadTokenizer } from './load-tokenizer.js'
import { byteFallbackTokenizer, folderWith } from './testing/small-tokenizer.js'

const good = byteFallbackTokenizer()
const model = good.model as Record<string, unknown>
const withModel = (fields: object) => ({ 'tokenizer.json': { ...good, model: { ...model, ...fields } } })
const withConfig = (config: unknown) => ({ 'tokenizer.json': good, 'tokenizer_config.json': config })

const refused: [name: string, files: Record<string, unknown>, file: string, message: RegExp][] = [
  ['no tokenizer', { 'config.json': {} }, 'tokenizer.json', /not found; download it with the model/],
  ['SentencePiece alone', { 'tokenizer.model': 'x' }, 'tokenizer.json', /tokenizer\.model alone is not read/],
  ['half a file', { 'tokenizer.json': '{"model": {' }, 'tokenizer.json', /not valid JSON \(11 bytes\)/],
  ['an empty file', { 'tokenizer.json': '' }, 'tokenizer.json', /not valid JSON \(0 bytes\)/],
  ['a list', { 'tokenizer.json': '[]' }, 'tokenizer.json', /expected a JSON object, found \[\]/],
  [
    'no model',
    { 'tokenizer.json': {} },
    'tokenizer.json',
    /model must be an object with type and vocab, found nothing/,
  ],
  [
    'another model',
    withModel({ type: 'Tiktoken' }),
    'tokenizer.json',
    /model\.type must be one of BPE.*"Tiktoken"/,
  ],
  [
    'no vocabulary',
    withModel({ vocab: {} }),
    'tokenizer.json',
    /model\.vocab must be an object of token ids/,
  ],
  [
    'a bad id',
    withModel({ vocab: { a: -1 } }),
    'tokenizer.json',
    /model\.vocab\["a"\] must be a token id, found -1/,
  ],
  [
    'a bad piece',
    withModel({ type: 'Unigram', vocab: [['a']] }),
    'tokenizer.json',
    /model\.vocab\[0\] must be \[piece, score\]/,
  ],
  [
    'a merge of strangers',
    withModel({ merges: ['a q'] }),
    'tokenizer.json',
    /model\.merges\[0\] must be .*"q" is not/,
  ],
  [
    'no merges',
    withModel({ merges: 3 }),
    'tokenizer.json',
    /model\.merges must be a list of token pairs, found 3/,
  ],
  [
    'a bad added token',
    { 'tokenizer.json': { ...good, added_tokens: [{ content: 'x' }] } },
    'tokenizer.json',
    /added_tokens\[0\] must be an object with id and content/,
  ],
  [
    'a decoder that is text',
    { 'tokenizer.json': { ...good, decoder: 'x' } },
    'tokenizer.json',
    /decoder must be an object or null/,
  ],
  [
    'an unknown part',
    { 'tokenizer.json': { ...good, pre_tokenizer: { type: 'Sudachi' } } },
    'tokenizer.json',
    /not supported: Unknown PreTokenizer type: Sudachi/,
  ],
  ['a damaged config', withConfig('{'), 'tokenizer_config.json', /not valid JSON/],
  [
    'a broken template',
    withConfig({ chat_template: '{% for %}' }),
    'tokenizer_config.json',
    /does not parse/,
  ],
  ['a template that is a number', withConfig({ chat_template: 7 }), 'tokenizer_config.json', /found 7/],
  [
    'templates without names',
    withConfig({ chat_template: [{ template: 'x' }] }),
    'tokenizer_config.json',
    /list of \{name, template\}/,
  ],
  [
    'a broken template file',
    { 'tokenizer.json': good, 'chat_template.jinja': '{{' },
    'chat_template.jinja',
    /does not parse/,
  ],
]

describe('a tokenizer that cannot be used', () => {
  it.each(refused)('%s', (_, files, file, message) => {
    const folder = folderWith(files)
    const expected = { code: 'bad_tokenizer', exitCode: 65, message: expect.stringMatching(message) }
    expect(() => loadTokenizer(folder)).toThrow(expect.objectContaining(expected) as Error)
    expect(() => loadTokenizer(folder)).toThrow(join(folder, file))
  })

  it('no folder', () => {
    expect(() => loadTokenizer('/nowhere/at/all')).toThrow('/nowhere/at/all: not a directory')
  })

  it('a template file that is not there', () => {
    const folder = folderWith({ 'tokenizer.json': good })
    expect(() => loadTokenizer(folder, { chatTemplate: 'missing.jinja' })).toThrow(
      'chat template missing.jinja: no such file',
    )
  })
})

describe('where a tokenizer looks', () => {
  const user = [{ role: 'user', content: 'hi' }]

  it('needs no tokenizer_config.json', () => {
    const tokenizer = loadTokenizer(folderWith({ 'tokenizer.json': good }))
    expect(tokenizer).toMatchObject({ hasChatTemplate: false, bosId: undefined, eosId: undefined })
    expect(tokenizer.decode(tokenizer.encode('ab'))).toBe('ab')
  })

  it('takes named tokens and templates from tokenizer_config.json', () => {
    const config = {
      bos_token: { content: '<s>' },
      eos_token: '</s>',
      pad_token: null,
      additional_special_tokens: ['ab'],
      added_tokens_decoder: {
        300: { content: '<new>', special: true },
        1: { content: '<s>', special: true },
      },
      chat_template: [
        { name: 'default', template: 'plain' },
        { name: 'tool_use', template: 'tools' },
      ],
    }
    const tokenizer = loadTokenizer(folderWith(withConfig(config)))
    expect(tokenizer).toMatchObject({ bosId: 1, eosId: 2, vocabSize: 301 })
    expect(tokenizer.isSpecial(300)).toBe(true)
    expect(tokenizer.encode('a<new>', { addSpecialTokens: false }).at(-1)).toBe(300)
    expect(tokenizer.isSpecial(tokenizer.tokenId('ab')!)).toBe(true)
    expect(tokenizer.render(user, { tools: [{}] })).toBe('tools')
  })

  it('prefers the override, then chat_template.jinja with additional templates', () => {
    const folder = folderWith({ ...withConfig({ chat_template: 'config' }), 'chat_template.jinja': 'file' })
    mkdirSync(join(folder, 'additional_chat_templates'))
    writeFileSync(join(folder, 'additional_chat_templates', 'tool_use.jinja'), 'additional')
    const other = join(folder, 'other.txt')
    writeFileSync(other, 'other file')
    expect(loadTokenizer(folder).render(user)).toBe('file')
    expect(loadTokenizer(folder).render(user, { tools: [{}] })).toBe('additional')
    expect(loadTokenizer(folder, { chatTemplate: other }).render(user)).toBe('other file')
    expect(loadTokenizer(folder, { chatTemplate: '{{ messages[0].content }}!' }).render(user)).toBe('hi!')
  })
})
