import type { ChatMessage } from 'trtllm'

/** What a typed line asks for. */
export type Turn =
  | { readonly kind: 'ask' }
  | { readonly kind: 'leave' }
  /** Something to tell the person; nothing is asked. */
  | { readonly kind: 'tell'; readonly text: string }
  | { readonly kind: 'nothing' }

const help = [
  '/system <text>  begin again with a system message; without text, without one',
  '/reset          forget the conversation',
  '/exit           leave (also Ctrl-D)',
].join('\n')

/** A conversation and the lines that steer it. It knows no terminal and no model. */
export class Conversation {
  #system: string | undefined
  #messages: ChatMessage[] = []

  constructor(system?: string) {
    this.#system = system
  }

  /** All that the model is shown. */
  get messages(): ChatMessage[] {
    const system = this.#system
    return system === undefined
      ? [...this.#messages]
      : [{ role: 'system', content: system }, ...this.#messages]
  }

  /** Takes a line: a question, or a command that begins with a slash. */
  read(line: string): Turn {
    const text = line.trim()
    if (text === '') return { kind: 'nothing' }
    if (!text.startsWith('/')) {
      this.#messages.push({ role: 'user', content: text })
      return { kind: 'ask' }
    }
    const [name, rest] = [/^\S+/.exec(text)![0], text.replace(/^\S+\s*/, '')]
    return this.#command(name, rest)
  }

  /** The model's answer to the last question. */
  answered(text: string): void {
    this.#messages.push({ role: 'assistant', content: text })
  }

  /** Takes the last question back: it has no answer. */
  withdraw(): void {
    this.#messages.pop()
  }

  #command(name: string, rest: string): Turn {
    switch (name) {
      case '/exit':
      case '/quit':
        return { kind: 'leave' }
      case '/reset':
        this.#messages = []
        return { kind: 'tell', text: 'The conversation is forgotten.' }
      case '/system':
        this.#system = rest === '' ? undefined : rest
        this.#messages = []
        return {
          kind: 'tell',
          text: rest === '' ? 'Without a system message.' : 'The conversation begins again.',
        }
      case '/help':
        return { kind: 'tell', text: help }
      default:
        return { kind: 'tell', text: `There is no ${name}; there are:\n${help}` }
    }
  }
}
