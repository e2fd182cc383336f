import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StopStrings } from './stop-strings.js'

/** The rule, read off a whole text: cut where the first stop string is complete, the longest of those. */
function reference(text: string, stops: string[], keepStop: boolean): { text: string; stop?: string } {
  for (let end = 1; end <= text.length; end++) {
    const complete = stops.filter((stop) => text.slice(0, end).endsWith(stop))
    const stop = complete.sort((a, b) => b.length - a.length)[0]
    if (stop !== undefined) return { text: text.slice(0, keepStop ? end : end - stop.length), stop }
  }
  return { text }
}

/** Runs pieces through a matcher; checks that what is out is right at every moment and the hold-back is bounded. */
function run(pieces: string[], stops: string[], keepStop = false): { text: string; stop?: string } {
  const matcher = new StopStrings(stops, { keepStop })
  const longest = Math.max(0, ...stops.map((stop) => stop.length))
  let given = ''
  let out = ''
  let found: string | undefined
  for (const piece of pieces) {
    const { text, stop } = matcher.push(piece)
    given += piece
    out += text
    found ??= stop
    if (found === undefined && given.length - out.length > Math.max(0, longest - 1))
      throw new Error(`held back ${given.length - out.length} characters of ${given}`)
  }
  out += matcher.flush()
  return found === undefined ? { text: out } : { text: out, stop: found }
}

/** All strings of a length over a, b, c. */
function* strings(length: number): Generator<string> {
  if (length === 0) yield ''
  else for (const head of strings(length - 1)) for (const letter of 'abc') yield head + letter
}

describe('stop strings', () => {
  it('cut every text of 6 letters at every stop of up to 3, however it is split', () => {
    const stops = [1, 2, 3].flatMap((length) => [...strings(length)])
    for (const text of strings(6)) {
      for (const stop of stops) {
        const expected = reference(text, [stop], false)
        for (let split = 0; split < 32; split++) {
          const pieces = ['']
          for (const [at, letter] of [...text].entries()) {
            if (at > 0 && (split >> (at - 1)) & 1) pieces.push('')
            pieces[pieces.length - 1] += letter
          }
          const found = run(pieces, [stop])
          if (found.text !== expected.text || found.stop !== expected.stop)
            throw new Error(`${pieces.join('|')} at ${stop}: ${JSON.stringify(found)}`)
        }
      }
    }
  })

  it('cut long texts at several stops of 1 to 8 characters, overlapping and nested', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 8 })
    const pieces = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 9 }), {
      maxLength: 30,
    })
    fc.assert(
      fc.property(pieces, fc.array(word, { maxLength: 5 }), fc.boolean(), (some, stops, keepStop) => {
        expect(run(some, stops, keepStop)).toEqual(reference(some.join(''), stops, keepStop))
      }),
      { numRuns: 5000 },
    )
  })

  it('cut between characters of several units', () => {
    expect(run(['so 👍', '🏽 it', ' goes'], ['🏽'])).toEqual({ text: 'so 👍', stop: '🏽' })
    expect(run(['你', '好世', '界!'], ['好世界'])).toEqual({ text: '你', stop: '好世界' })
  })

  it('hold nothing back that cannot begin a stop', () => {
    const matcher = new StopStrings(['\n\nUser:'])
    expect(matcher.push('hello').text).toBe('hello')
    expect(matcher.push(' you\n').text).toBe(' you')
    expect(matcher.push('there').text).toBe('\nthere')
  })

  it('keep or drop the stop itself, and drop everything after it', () => {
    const matcher = new StopStrings(['END'], { keepStop: true })
    expect(matcher.push('the EN')).toEqual({ text: 'the ' })
    expect(matcher.push('D of it')).toEqual({ text: 'END', stop: 'END' })
    expect(matcher.push('END')).toEqual({ text: '' })
    expect(matcher.flush()).toBe('')
  })
})
