import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const folder = fileURLToPath(new URL('.', import.meta.url))

/** What each example prints, on the embedded model with greedy or seeded sampling. */
const prints: Readonly<Record<string, RegExp[]>> = {
  '01-generate.mjs': [/^, there was an? \w+/, /^\d+ tokens\/s$/m],
  '02-stream.mjs': [/^ \w+/, /^\[(stop|length), \d+ tokens\]$/m],
  '03-chat.mjs': [/^user: What is 12 \+ 30\?\nassistant: 42$/m, /^assistant: You live in Toronto\.$/m],
  '04-tools.mjs': [
    /^search_animal\(\{"animal": "wolf"\}\) = \{"speed":59\}$/m,
    /^The wolf can reach 59 kilometres per hour\.$/m,
  ],
  '05-batch.mjs': [/^Once upon a time a fox/m, /^Once upon a time a mouse/m, /^\d+ tokens, \d+ tokens\/s$/m],
  '06-abort.mjs': [
    /^left after \d+ tokens$/m,
    /^aborted: no longer wanted$/m,
    /^deadline_exceeded: the request did not end within 10 ms$/m,
  ],
  '07-hugging-face-style.mjs': [/^Once upon a time, there was/],
  '08-logprobs.mjs': [/^" time" -0\.\d\d {2}of " time" -0\.\d\d, /m, /^perplexity [1-9]\.\d\d$/m],
  '09-process.mjs': [
    /^bf16 on .+: context 1024, cache of 8192 tokens$/m,
    /^ready: 32 tokens so far, 0 running$/m,
  ],
}

describe('examples', () => {
  it('are all here', () => {
    expect(readdirSync(folder).filter((name) => name.endsWith('.mjs'))).toEqual(Object.keys(prints))
  })

  it.each(Object.entries(prints))('%s runs and ends by itself', async (name, patterns) => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [name], {
      cwd: folder,
      timeout: 60_000,
    })
    for (const pattern of patterns) expect(stdout).toMatch(pattern)
    expect(stderr).toBe('')
  })
})
