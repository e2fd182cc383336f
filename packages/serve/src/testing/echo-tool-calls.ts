import type { ToolCallEvent, ToolCallParser } from 'trtllm'

const open = '<tool_call>'
const close = '</tool_call>'

/** The echo model's tool calls: `<tool_call>{"name":..,"arguments":{..}}</tool_call>`, each given out when complete. */
export class EchoToolCallParser implements ToolCallParser {
  #held = ''
  #calls = 0

  push(text: string): ToolCallEvent[] {
    this.#held += text
    const events: ToolCallEvent[] = []
    for (;;) {
      const from = this.#held.indexOf(open)
      const prose = from >= 0 ? from : safeLength(this.#held)
      if (prose > 0) events.push({ type: 'text', text: this.#held.slice(0, prose) })
      this.#held = this.#held.slice(prose)
      const to = this.#held.indexOf(close)
      if (from < 0 || to < 0) return events
      const call = JSON.parse(this.#held.slice(open.length, to)) as { name: string; arguments: unknown }
      const index = this.#calls++
      const text = JSON.stringify(call.arguments)
      const half = text.length >> 1
      events.push({ type: 'call', index, name: call.name })
      events.push({ type: 'arguments', index, text: text.slice(0, half) })
      events.push({ type: 'arguments', index, text: text.slice(half) })
      this.#held = this.#held.slice(to + close.length)
    }
  }

  flush(): ToolCallEvent[] {
    const text = this.#held
    this.#held = ''
    return text === '' ? [] : [{ type: 'text', text }]
  }
}

/** How much of `text` cannot be the beginning of an opening tag. */
function safeLength(text: string): number {
  for (let tail = Math.min(open.length - 1, text.length); tail > 0; tail--)
    if (open.startsWith(text.slice(-tail))) return text.length - tail
  return text.length
}
