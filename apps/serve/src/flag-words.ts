import { optionTable } from './option-table.js'

const camel = (key: string) => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
const flags = new Map(Object.keys(optionTable).map((key) => [camel(key), `--${key.replaceAll('_', '-')}`]))

/** A message of the library in the words of the command: its option `maxSeqLen` is the flag `--max-seq-len`. Paths stay. */
export function flagWords(message: string): string {
  return message.replace(/(?<![\w./-])[a-z]+[A-Z]\w*(?![\w/-]|\.\w)/g, (word) => flags.get(word) ?? word)
}
