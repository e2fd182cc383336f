import { readFileSync, writeFileSync } from 'node:fs'
import { exitCodeOf, TrtllmError } from '@trtllm/kernels'
import { describe, expect, it } from 'vitest'
import { TinyCheckpoint } from '../testing/damaged-checkpoint.js'
import { tinyParams } from '../testing/refusal.js'
import { checkParams } from './check-params.js'
import { openCheckpoint } from './open-checkpoint.js'

const isSoak = process.env.TRTLLM_SOAK === '1'

/** What a model says to bytes in place of its one file: undefined when it takes them. */
async function verdict(tiny: TinyCheckpoint, bytes: Uint8Array): Promise<string | undefined> {
  writeFileSync(tiny.single, bytes)
  const startMs = performance.now()
  try {
    using checkpoint = await openCheckpoint(tiny.directory)
    checkParams(checkpoint, tinyParams())
    return undefined
  } catch (error) {
    if (!(error instanceof TrtllmError)) throw error
    expect(exitCodeOf(error)).toBe(65)
    expect(performance.now() - startMs).toBeLessThan(2000)
    return error.message
  }
}

/** A sound checkpoint of one file, its bytes, and where its header ends. */
function sound() {
  const tiny = new TinyCheckpoint().weights()
  const bytes = readFileSync(tiny.single)
  return { tiny, bytes, headerEnd: 8 + Number(bytes.readBigUInt64LE(0)) }
}

const entriesIn = (bytes: Buffer, headerEnd: number): [string, object][] =>
  Object.entries(JSON.parse(bytes.toString('utf8', 8, headerEnd)) as object).filter(
    ([name]) => name !== '__metadata__',
  )

const tensorsIn = (bytes: Buffer, headerEnd: number): string => JSON.stringify(entriesIn(bytes, headerEnd))

/** Type and shape of an entry. */
const kindOf = (entry: object): string => JSON.stringify({ ...entry, data_offsets: [] })

describe('a model file is refused, by name', () => {
  it('at every length shorter than its own', async () => {
    const { tiny, bytes } = sound()
    using _ = tiny
    for (let length = 0; length < bytes.length; length += isSoak || length < 16 ? 1 : 5) {
      const said = await verdict(tiny, bytes.subarray(0, length))
      expect(said, `cut to ${length} bytes`).toMatch(/model\.safetensors: .*(too few|truncated)/)
    }
    expect(await verdict(tiny, bytes)).toBeUndefined()
  }, 60_000)

  it('with any one bit of its header flipped', async () => {
    const { tiny, bytes, headerEnd } = sound()
    using _ = tiny
    for (let at = 0; at < headerEnd; at++) {
      for (const bit of isSoak ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8]) {
        const damaged = Buffer.from(bytes)
        damaged[at]! ^= 1 << bit
        const said = await verdict(tiny, damaged)
        // What is taken means what it meant: a remark of the writer or a blank at the end is another.
        if (said === undefined && tensorsIn(damaged, headerEnd) === tensorsIn(bytes, headerEnd)) continue
        expect(said, `bit ${bit} of byte ${at}`).toMatch(/model\.safetensors|tensor /)
      }
    }
  }, 600_000)

  it('with any two entries of its header changed for each other', async () => {
    const { tiny, bytes, headerEnd } = sound()
    using _ = tiny
    const entries = entriesIn(bytes, headerEnd)
    for (const [i, [one, first]] of entries.entries()) {
      for (const [other, second] of entries.slice(i + 1)) {
        // Of the same type and shape, only values are exchanged, which nothing but a digest could tell.
        if (kindOf(first) === kindOf(second)) continue
        const json = JSON.stringify({ ...Object.fromEntries(entries), [one]: second, [other]: first })
        const text = json.padEnd(Math.ceil(json.length / 8) * 8)
        const length = Buffer.alloc(8)
        length.writeBigUInt64LE(BigInt(Buffer.byteLength(text)))
        const said = await verdict(
          tiny,
          Buffer.concat([length, Buffer.from(text), bytes.subarray(headerEnd)]),
        )
        expect(said, `${one} and ${other}`).toMatch(/model\.safetensors: tensor .*expected shape/)
      }
    }
  }, 60_000)
})

it('flipped bits of the values are not seen: the format has no digest of them', async () => {
  const { tiny, bytes, headerEnd } = sound()
  using _ = tiny
  const damaged = Buffer.from(bytes)
  damaged[headerEnd + 100]! ^= 0x40
  expect(await verdict(tiny, damaged)).toBeUndefined()
})
