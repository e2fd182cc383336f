import { describe, expect, it } from 'vitest'
import { OutputStream } from './output-stream.js'
import type { Output } from './request.js'

const output = (tokens: number[], finish?: Output['finish']): Output => ({
  id: 'a',
  tokens: Int32Array.from(tokens),
  ...(finish && { finish }),
})
const usage = { promptTokens: 1, completionTokens: 1, cachedTokens: 0 }

describe('OutputStream', () => {
  it('hands over in order, before and after the reader asks, and ends after the finish', async () => {
    let abandoned = 0
    const stream = new OutputStream(() => abandoned++)
    const first = stream.next()
    stream.push(output([1]))
    stream.push(output([2]))
    stream.push(output([], { reason: 'length', usage }))
    stream.push(output([9]))
    expect([...(await first).value.tokens]).toEqual([1])
    const rest: number[] = []
    for await (const { tokens } of stream) rest.push(...tokens)
    expect(rest).toEqual([2])
    await stream.return()
    expect(abandoned).toBe(0)
  })

  it('tells once when the reader leaves early, and drops what comes later', async () => {
    let abandoned = 0
    const stream = new OutputStream(() => abandoned++)
    stream.push(output([1]))
    await stream.return()
    await stream.return()
    stream.push(output([2]))
    expect(abandoned).toBe(1)
    expect(stream.backlog).toBe(0)
    expect((await stream.next()).done).toBe(true)
  })
})
