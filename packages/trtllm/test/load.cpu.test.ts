import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { embeddedModelPath, LLM, type LoadOptions } from '../src/index.js'

const shape = (name: string) => fileURLToPath(new URL(`../../../benchmarks/shapes/${name}`, import.meta.url))
const folders: string[] = []

function empty(): string {
  const folder = mkdtempSync(join(tmpdir(), 'trtllm-model-'))
  folders.push(folder)
  return folder
}

/** A copy of the embedded model with some files changed; null removes one. */
function changed(files: Record<string, string | null>): string {
  const folder = empty()
  cpSync(embeddedModelPath(), folder, { recursive: true })
  for (const [name, content] of Object.entries(files)) {
    if (content === null) rmSync(join(folder, name))
    else writeFileSync(join(folder, name), content)
  }
  return folder
}

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

const refused: [
  name: string,
  model: () => string,
  options: LoadOptions,
  exitCode: number,
  message: RegExp,
][] = [
  ['no such folder', () => '/nowhere/model', {}, 65, /^\/nowhere\/model: no such directory/],
  ['no tokenizer', () => changed({ 'tokenizer.json': null }), {}, 65, /tokenizer\.json: not found/],
  [
    'a damaged tokenizer',
    () => changed({ 'tokenizer.json': '{' }),
    {},
    65,
    /tokenizer\.json: not valid JSON/,
  ],
  [
    'a missing shard',
    () => changed({ 'model-00002-of-00002.safetensors': null }),
    {},
    65,
    /model-00002-of-00002\.safetensors/,
  ],
  ['a folder of something else', empty, {}, 65, /trtllm-model-.*config\.json: not found/],
  ['no config', () => changed({ 'config.json': null }), {}, 65, /config\.json: not found/],
  [
    'an unknown architecture',
    () => changed({ 'config.json': '{"architectures": ["LlamoForCausalLM"]}' }),
    {},
    65,
    /LlamoForCausalLM is not supported/,
  ],
  [
    'a context beyond the model',
    embeddedModelPath,
    { maxSeqLen: 4096 },
    78,
    /^maxSeqLen 4096 is beyond the 2048/,
  ],
  [
    'a batch beyond a step',
    embeddedModelPath,
    { maxBatchSize: 8, maxNumTokens: 4 },
    78,
    /^maxBatchSize 8 is above/,
  ],
  [
    'more memory than there is',
    () => shape('llama-3.1-405b'),
    { loadFormat: 'dummy' },
    69,
    /^cpu: need \d+\.\d\d GiB \(weights 755\.\d\d GiB, .*\), have .* GiB free; .*use a device with more memory/,
  ],
  [
    'a GPU that is not there',
    embeddedModelPath,
    { device: 'cuda:99' },
    69,
    /^device cuda:99: .+; device auto uses the CPU/,
  ],
  [
    'an unknown option',
    embeddedModelPath,
    { maxBatchSise: 3 } as LoadOptions,
    64,
    /^maxBatchSise is no option/,
  ],
]

describe('loading', () => {
  it('is what `new` tells to do', () => {
    const construct = () => Reflect.construct(LLM, ['model'])
    expect(construct).toThrow('new LLM() loads nothing; write: await LLM.load(model, options)')
  })

  it.each(refused)('%s is refused', async (_, model, options, exitCode, message) => {
    await expect(LLM.load(model(), { device: 'cpu', ...options })).rejects.toMatchObject({
      exitCode,
      message: expect.stringMatching(message),
    })
  })

  it('goes through its stages and tells of them', async () => {
    const stages: string[] = []
    let last: number[] = []
    const llm = await LLM.load(embeddedModelPath(), {
      device: 'cpu',
      onProgress: (stage, done, total) => {
        if (stages.at(-1) !== stage) stages.push(stage)
        if (stage === 'loading weights') last = [done, total]
      },
    })
    await llm.close()
    expect(stages).toEqual([
      'opening device',
      'reading checkpoint',
      'planning memory',
      'allocating memory',
      'loading weights',
      'making plan',
    ])
    expect(last[0]).toBe(last[1])
    expect(last[1]).toBeGreaterThan(25e6)
  })

  it('can be given up', async () => {
    const controller = new AbortController()
    const reason = new Error('changed my mind')
    const loading = LLM.load(embeddedModelPath(), {
      device: 'cpu',
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    })
    await expect(loading).rejects.toBe(reason)
    await expect(LLM.load(embeddedModelPath(), { signal: controller.signal })).rejects.toBe(reason)
  })

  it('makes up weights from a config alone, then prompts are token ids', async () => {
    const folder = changed({
      'tokenizer.json': null,
      'model-00001-of-00002.safetensors': null,
      'model-00002-of-00002.safetensors': null,
    })
    const llm = await LLM.load(folder, {
      device: 'cpu',
      loadFormat: 'dummy',
      maxBatchSize: 2,
      kvCacheMaxTokens: 100,
    })
    try {
      expect(llm.info).toMatchObject({ kvTokens: 128, maxSeqLen: 128, maxBatchSize: 2, dtype: 'bf16' })
      expect(llm.hasTokenizer).toBe(false)
      expect(() => llm.tokenizer).toThrow('loaded without a tokenizer')
      const { outputs } = await llm.generate([5, 6, 7], { maxTokens: 4, ignoreEos: true })
      expect(outputs[0]).toMatchObject({ text: '', finishReason: 'length' })
      expect(outputs[0]!.tokenIds).toHaveLength(4)
      await expect(llm.generate('text')).rejects.toThrow('a prompt of text needs a tokenizer')
    } finally {
      await llm.close()
    }
  })

  it('takes another tokenizer and template', async () => {
    const folder = changed({ 'tokenizer.json': null, 'tokenizer_config.json': null })
    const llm = await LLM.load(folder, {
      device: 'cpu',
      tokenizer: embeddedModelPath(),
      chatTemplate: '{{ messages[0].content }}!',
    })
    expect(llm.tokenizer.render([{ role: 'user', content: 'hi' }])).toBe('hi!')
    await llm.close()
    const none = await LLM.load(folder, { device: 'cpu', tokenizer: false })
    expect(none.hasTokenizer).toBe(false)
    await none.close()
  })

  it('warns of tensors the model does not use, and closes while requests run', async () => {
    const llm = await LLM.load(embeddedModelPath(), { device: 'cpu', onWarning: (text) => expect.fail(text) })
    const stream = llm.generateStream('Once', { maxTokens: 1500, ignoreEos: true })
    await stream.next()
    expect((await llm.getStats()).gauges.quiescent).toBe(false)
    const closing = llm.close()
    const rest = (async () => {
      for await (const _ of stream);
    })()
    await expect(rest).rejects.toMatchObject({ code: 'server_shutdown' })
    await closing
    expect(llm.state).toBe('closed')
    await llm.close()
    await expect(llm.generate('Once')).rejects.toMatchObject({ code: 'server_shutdown' })
  })

  it('fails requests by name whose logits are NaN, and goes on', async () => {
    const folder = changed({})
    const shard = join(folder, 'model-00002-of-00002.safetensors')
    const bytes = readFileSync(shard)
    const headerBytes = Number(bytes.readBigUInt64LE())
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes)) as Record<
      string,
      { data_offsets: [number, number] }
    >
    bytes.writeUInt16LE(0x7fff, 8 + headerBytes + header['model.norm.weight']!.data_offsets[0])
    writeFileSync(shard, bytes)
    await using llm = await LLM.load(folder, { device: 'cpu' })
    for (const how of [{ temperature: 0 }, { temperature: 1 }, { useBeamSearch: true, n: 2 }])
      await expect(llm.generate('Once', { maxTokens: 4, logprobs: 2, ...how })).rejects.toMatchObject({
        code: 'internal',
        message: expect.stringMatching(/^output token 1 could not be chosen: the model's logits are NaN/),
      })
    await vi.waitFor(async () => expect((await llm.getStats()).gauges.quiescent).toBe(true))
  })

  it('drains where asked to', async () => {
    const llm = await LLM.load(embeddedModelPath(), { device: 'cpu' })
    const stream = llm.generateStream('Once', { maxTokens: 64, ignoreEos: true })
    let tokens = (await stream.next()).value!.tokenIds.length
    const closing = llm.close({ drain: true })
    for await (const { tokenIds } of stream) tokens += tokenIds.length
    await closing
    expect(tokens).toBe(64)
  })
})
