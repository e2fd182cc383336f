import type { Tokenizer as Encoder } from '@huggingface/tokenizers'

/** Token ids of a text. Pieces for which the vocabulary has neither a token nor an unknown token are left out. */
export function encodeText(encoder: Encoder, text: string, addSpecialTokens: boolean): number[] {
  const ids: (number | undefined)[] = encoder.encode(text, { add_special_tokens: addSpecialTokens }).ids
  return ids.filter((id) => id !== undefined)
}
