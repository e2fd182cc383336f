import { rmSync } from 'node:fs'
import { TrtllmError } from '@trtllm/kernels'
import { damagedJson } from '@trtllm/kernels/testing'
import { expect, it } from 'vitest'
import { loadTokenizer } from './load-tokenizer.js'
import { byteFallbackTokenizer, folderWith } from './testing/small-tokenizer.js'

it('a tokenizer with any one value changed loads and works, or is refused by name, at once', () => {
  const good = byteFallbackTokenizer()
  const config = {
    bos_token: '<s>',
    eos_token: { content: '</s>' },
    chat_template: '{{ messages[0].content }}',
  }
  const wrong: string[] = []
  let [refused, tried] = [0, 0]
  for (const [file, whole] of [
    ['tokenizer.json', good],
    ['tokenizer_config.json', config],
  ] as const) {
    for (const { what, value } of damagedJson(whole, 6)) {
      const folder = folderWith({ 'tokenizer.json': good, 'tokenizer_config.json': config, [file]: value })
      const startMs = performance.now()
      tried++
      try {
        const tokenizer = loadTokenizer(folder)
        const text = tokenizer.decode(tokenizer.encode('a b\n👍 ab'))
        if (typeof text !== 'string') wrong.push(`${file} ${what}: decodes to ${typeof text}`)
      } catch (error) {
        refused++
        const isNamed =
          error instanceof TrtllmError && error.code === 'bad_tokenizer' && error.message.includes(folder)
        if (!isNamed) wrong.push(`${file} ${what}: ${String(error).slice(0, 160)}`)
      } finally {
        rmSync(folder, { recursive: true })
      }
      const took = performance.now() - startMs
      if (took > 1000) wrong.push(`${file} ${what}: took ${took} ms`)
    }
  }
  expect(wrong).toEqual([])
  expect(refused).toBeGreaterThan(tried / 4)
}, 120_000)
