import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder with the given files; objects are written as JSON. */
export function folderWith(files: Readonly<Record<string, unknown>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'trtllm-text-'))
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  return folder
}

const bytes = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
)

/** SentencePiece-like: spaces are `▁`, unknown characters are bytes, the first space of a text is dropped. */
export function byteFallbackTokenizer(): Record<string, unknown> {
  const tokens = ['<unk>', '<s>', '</s>', ...bytes, '▁', 'a', 'b', '▁a', '▁b', 'ab', '▁▁']
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]))
  return {
    added_tokens: [0, 1, 2].map((id) => ({ id, content: tokens[id], special: true, normalized: false })),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      unk_token: '<unk>',
      byte_fallback: true,
      vocab,
      merges: [
        ['▁', 'a'],
        ['▁', 'b'],
        ['a', 'b'],
        ['▁', '▁'],
      ],
    },
  }
}

/** BERT-like: words are joined by spaces, `##` continues one. */
export function wordPieceTokenizer(): Record<string, unknown> {
  const tokens = ['[UNK]', '[CLS]', '[SEP]', 'fox', 'tale', 'the', '##s', '##x', ',']
  return {
    added_tokens: [0, 1, 2].map((id) => ({ id, content: tokens[id], special: true, normalized: false })),
    pre_tokenizer: { type: 'BertPreTokenizer' },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    },
  }
}

/** Unigram with the Metaspace decoder. */
export function metaspaceTokenizer(): Record<string, unknown> {
  const pieces = ['<unk>', '</s>', '▁', 'a', 'b', '▁a', '▁ab', '好', '\ufffd']
  return {
    added_tokens: [{ id: 1, content: '</s>', special: true, normalized: false }],
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
    decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' },
    model: { type: 'Unigram', unk_id: 0, vocab: pieces.map((piece, id) => [piece, -id]) },
  }
}
