import { describe, expect, it } from 'vitest'
import { Outbox } from './outbox.js'
import type { EngineRequest, Finish } from './request.js'
import { eachOutput, type NumberedRequest, packOutputs } from './turn-outputs.js'

const request = (id: string, fields: Partial<NumberedRequest> = {}): EngineRequest => {
  return { id, promptIds: Int32Array.of(1), number: id.charCodeAt(0), ...fields } as NumberedRequest
}
const [a, b, c] = ['a', 'b', 'c'].map((id) => request(id)) as [EngineRequest, EngineRequest, EngineRequest]
const finish: Finish = { reason: 'stop', usage: { promptTokens: 1, completionTokens: 2, cachedTokens: 0 } }
const contextLogits = { firstPosition: 0, rows: 1, vocab: 2, values: Float32Array.of(1, 2) }
const logprob = { logprob: -1, rank: 1, topIds: Int32Array.of(4), topLogprobs: Float32Array.of(-1) }

/** What a turn told, by request: its tokens, then whatever else is there by name. */
function told(fill: (outbox: Outbox) => void) {
  const outbox = new Outbox()
  fill(outbox)
  const turn = outbox.take()
  const outputs = [...eachOutput(turn)].map(({ id, tokens, ...rest }) => [id, [...tokens], Object.keys(rest)])
  return { turn, outputs, outbox }
}

describe('outputs of a turn', () => {
  it('plain tokens are two lists, also those of two steps', () => {
    const { turn, outputs, outbox } = told((box) => {
      for (const one of [a, b, a, b]) box.token(one, one === a ? 7 : 8)
    })
    expect(turn).toEqual({ requests: [a, b, a, b], tokens: [7, 8, 7, 8], whole: [] })
    expect(outputs.map(([id]) => id)).toEqual(['a', 'b', 'a', 'b'])
    expect(outbox.isEmpty).toBe(true)
  })

  it('the token that ends a request is told with its end, those before it before', () => {
    const { outputs } = told((box) => {
      box.token(a, 1)
      box.token(b, 2)
      box.token(a, 3)
      box.finish(a, finish)
      box.token(b, 4)
    })
    expect(outputs).toEqual([
      ['a', [1], []],
      ['b', [2], []],
      ['b', [4], []],
      ['a', [3], ['finish']],
    ])
  })

  it('an end without a token takes none', () => {
    const { outputs } = told((box) => {
      box.token(b, 2)
      box.finish(c, finish)
      box.finish(b, finish)
    })
    // The last token is that of b, whoever ended in between.
    expect(outputs).toEqual([
      ['c', [], ['finish']],
      ['b', [2], ['finish']],
    ])
  })

  it('whatever comes with a token keeps it whole, and what follows keeps its order', () => {
    const scored = request('d', { logprobs: 1 })
    const { outputs } = told((box) => {
      box.prompt(a, { contextLogits })
      box.prompt(a, { contextLogits })
      box.token(a, 5)
      box.token(scored, 6, logprob)
    })
    expect(outputs).toEqual([
      ['a', [], ['contextLogits']],
      ['a', [5], ['contextLogits']],
      ['d', [6], ['logprobs']],
    ])
  })

  it('travel as numbers', () => {
    const { turn } = told((box) => {
      box.token(a, 7)
      box.token(b, 9)
      box.finish(c, finish)
    })
    const packed = structuredClone(packOutputs(turn))
    expect(packed).toEqual({ numbers: Int32Array.of(97, 98), tokens: Int32Array.of(7, 9), whole: turn.whole })
  })
})
