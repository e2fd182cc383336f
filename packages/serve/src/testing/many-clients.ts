import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'

/** How an HTTP exchange ended. */
export interface Exchange {
  /** 0: the connection broke before an answer. */
  status: number
  headers: IncomingMessage['headers']
  text: string
  /** The connection was reset, or ended in the middle. */
  broken: boolean
  /** Milliseconds from the call to the answer's first bytes. */
  firstByteMs: number
}

/** Raw HTTP clients without limits of their own, as load generators are. */
export class Clients {
  readonly #agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY })
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  /** POSTs a body and reads the whole answer; never rejects. `opened` hears of the answer when its headers are there. */
  post(path: string, body: object, opened?: (answer: IncomingMessage) => void): Promise<Exchange> {
    return new Promise((resolve) => {
      const exchange: Exchange = { status: 0, headers: {}, text: '', broken: false, firstByteMs: 0 }
      const startMs = performance.now()
      const broke = () => {
        exchange.broken = true
        resolve(exchange)
      }
      const sent = httpRequest(this.#url + path, {
        method: 'POST',
        agent: this.#agent,
        headers: { 'content-type': 'application/json' },
      })
      sent.on('error', broke)
      sent.on('response', (answer) => {
        exchange.firstByteMs = performance.now() - startMs
        exchange.status = answer.statusCode ?? 0
        exchange.headers = answer.headers
        answer.setEncoding('utf8')
        answer.on('data', (part: string) => {
          exchange.text += part
        })
        answer.on('end', () => resolve(exchange))
        answer.on('error', broke)
        opened?.(answer)
      })
      sent.end(JSON.stringify(body))
    })
  }

  /** Opens a streamed answer and never reads it. Resolves when its headers are there. */
  async openUnread(path: string, body: object): Promise<IncomingMessage> {
    const sent = httpRequest(this.#url + path, {
      method: 'POST',
      agent: this.#agent,
      headers: { 'content-type': 'application/json' },
    })
    sent.on('error', () => {})
    sent.end(JSON.stringify(body))
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    answer.on('error', () => {}).pause()
    return answer
  }

  close(): void {
    this.#agent.destroy()
  }
}

/** Data frames of a stream; `[DONE]` stays text. Throws on bytes that are no whole frame. */
export function framesOf(text: string): unknown[] {
  if (text !== '' && !text.endsWith('\n\n'))
    throw new Error(`a stream ended inside a frame: ${text.slice(-80)}`)
  return text
    .split('\n\n')
    .filter(Boolean)
    .map((frame) => {
      if (!frame.startsWith('data: ')) throw new Error(`no data frame: ${frame.slice(0, 80)}`)
      const data = frame.slice('data: '.length)
      return data === '[DONE]' ? data : JSON.parse(data)
    })
}

/** What a chat stream came to: its text, and its terminal frames, of which there must be one. */
export function endOf(text: string): { content: string; done: number; errors: string[] } {
  let content = ''
  let done = 0
  const errors: string[] = []
  for (const frame of framesOf(text)) {
    if (frame === '[DONE]') done++
    else {
      const { error, choices = [] } = frame as {
        error?: { code: string }
        choices?: { delta?: { content?: string } }[]
      }
      if (error) errors.push(error.code)
      content += choices[0]?.delta?.content ?? ''
    }
  }
  return { content, done, errors }
}

/** The value below which a share of the values lies. */
export const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0
