import { readCall } from './read-call.js'
import type { ToolCallEvent, ToolCallParser } from './tool-call-parser.js'

const open = '<tool_call>'
const close = '</tool_call>'

/**
 * Calls as Hermes and Qwen models write them: `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`. A call is
 * given out when it is complete and valid; anything else in such tags stays text. White space around calls is dropped.
 * How the text is cut into pushes changes nothing but how text events are cut.
 */
export class HermesParser implements ToolCallParser {
  /** What is undecided; inside a call it begins with the opening tag. */
  #held = ''
  #place: 'text' | 'call' | 'after call' = 'text'
  /** White space before the opening tag: text again if there is no call after all. */
  #gap = ''
  /** From where in `#held` a closing tag may begin. */
  #searchFrom = 0
  #calls = 0

  push(text: string): ToolCallEvent[] {
    this.#held += text
    return this.#read(false)
  }

  flush(): ToolCallEvent[] {
    return this.#read(true)
  }

  #read(isEnd: boolean): ToolCallEvent[] {
    const events: ToolCallEvent[] = []
    while (this.#place === 'call' ? this.#readCall(events, isEnd) : this.#readText(events, isEnd));
    return events
  }

  /** Gives out text up to an opening tag; true when there is one. */
  #readText(events: ToolCallEvent[], isEnd: boolean): boolean {
    if (this.#place === 'after call') {
      this.#held = this.#held.trimStart()
      if (this.#held === '') return false
    }
    const at = this.#held.indexOf(open)
    const end = at >= 0 ? at : isEnd ? this.#held.length : certainLength(this.#held)
    const text = at >= 0 ? this.#held.slice(0, end).trimEnd() : this.#held.slice(0, end)
    if (text !== '') this.#text(events, text)
    if (text !== '' || at >= 0) this.#place = 'text'
    if (at >= 0) {
      this.#gap = this.#held.slice(text.length, at)
      this.#place = 'call'
      this.#searchFrom = open.length
    }
    this.#held = this.#held.slice(end)
    return at >= 0
  }

  /** Gives out a call, or its opening tag as text; false when more text must come first. */
  #readCall(events: ToolCallEvent[], isEnd: boolean): boolean {
    const at = this.#held.indexOf(close, this.#searchFrom)
    if (at < 0 && !isEnd) {
      this.#searchFrom = Math.max(open.length, this.#held.length - close.length + 1)
      return false
    }
    const end = at < 0 ? this.#held.length : at
    const call = readCall(this.#held.slice(open.length, end))
    if (call === 'inside string' && at >= 0) {
      // The tag is a part of an argument.
      this.#searchFrom = at + close.length
      return true
    }
    if (typeof call === 'object') {
      const index = this.#calls++
      events.push({ type: 'call', index, name: call.name })
      events.push({ type: 'arguments', index, text: call.arguments })
      this.#held = this.#held.slice(end + close.length)
      this.#place = 'after call'
    } else {
      this.#text(events, this.#gap + open)
      this.#held = this.#held.slice(open.length)
      this.#place = 'text'
    }
    return true
  }

  #text(events: ToolCallEvent[], text: string): void {
    const last = events.at(-1)
    if (last?.type === 'text') last.text += text
    else events.push({ type: 'text', text })
  }
}

/** Length of the part that cannot belong to an opening tag or the white space before one. */
function certainLength(text: string): number {
  let tail = Math.min(open.length - 1, text.length)
  while (tail > 0 && !open.startsWith(text.slice(text.length - tail))) tail--
  return text.slice(0, text.length - tail).trimEnd().length
}
