import type { ChatMessage } from 'trtllm'
import { badData, Fields, isCount, isList, isName, isText, listOf, readDataJson } from './data-file.js'

/** A question with the one answer that counts. */
export interface EvalItem {
  readonly id: string
  readonly category: string
  readonly messages: readonly ChatMessage[]
  readonly tools: readonly unknown[]
  readonly expected: string
  /** New tokens at most. */
  readonly maxNew: number
}

/** Reads a list of {id, category, messages, tools, expected, max_new}. @throws TrtllmError exit 64 or 65. */
export function readEvalItems(file: string): EvalItem[] {
  const list = listOf(readDataJson('--dataset', file), file, 'items')
  const items = list.map((value, index) => readItem(file, value, index))
  const seen = new Map<string, number>()
  for (const [index, { id }] of items.entries()) {
    const first = seen.get(id)
    if (first !== undefined)
      throw badData(`${file}: item ${index}: expected an id of its own, found ${id}, which item ${first} has`)
    seen.set(id, index)
  }
  return items
}

function readItem(file: string, value: unknown, index: number): EvalItem {
  const id = new Fields(`${file}: item ${index}`, value).read('id', 'a name', isName)
  const fields = new Fields(`${file}: item ${index} (${id})`, value)
  const messages = fields.read('messages', 'a list of chat messages', isList)
  for (const [at, message] of listOf(messages, `${fields.where}: messages`, 'chat messages').entries())
    new Fields(`${fields.where}: messages[${at}]`, message).read('role', 'a name such as "user"', isName)
  return {
    id,
    category: fields.readOptional('category', 'a name', isName) ?? 'all',
    messages: messages as ChatMessage[],
    tools: fields.readOptional('tools', 'a list of tools', isList) ?? [],
    expected: fields.read('expected', 'a string', isText),
    maxNew: fields.read('max_new', 'a whole number above 0', isCount),
  }
}
