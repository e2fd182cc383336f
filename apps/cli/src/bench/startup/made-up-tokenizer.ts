/** How GPT-2 spells the bytes: printable ones as themselves, the others from U+0100 on. */
function byteCharacters(): string[] {
  const isPrintable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff)
  let moved = 0
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(isPrintable(byte) ? byte : 0x100 + moved++),
  )
}

const letters = 'etaoinshrdlcumwfgypbvk'

/**
 * A byte-level BPE tokenizer of `vocabSize` tokens in the form of tokenizer.json: the bytes, then made-up words of
 * letters, each the merge of two tokens before it. It costs as much to read and to use as one that was trained.
 */
export function madeUpTokenizer(vocabSize: number): object {
  const tokens = byteCharacters().slice(0, vocabSize)
  const known = new Set(tokens)
  const merges: [string, string][] = []
  const ends = [...letters]
  // Every token of letters followed by each letter, shortest first: each of them is new.
  const starts = ['Ġ', ...letters]
  for (let at = 0; tokens.length < vocabSize; at++) {
    const start = starts[at]!
    for (const end of ends) {
      const merged = start + end
      if (tokens.length >= vocabSize) break
      if (known.has(merged)) continue
      known.add(merged)
      tokens.push(merged)
      merges.push([start, end])
      starts.push(merged)
    }
  }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  }
}
