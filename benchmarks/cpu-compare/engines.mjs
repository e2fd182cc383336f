// Two engines behind one small face: `run(promptIds, outputTokens)` gives the ids and two times in milliseconds:
// prefill (handing over the prompt to the first token) and decode (first token to last).
import { LLM } from '../../packages/trtllm/dist/index.js'

async function timed(tokens, outputTokens) {
  const startMs = performance.now()
  const ids = []
  let firstMs = 0
  for await (const some of tokens) {
    if (ids.length === 0) firstMs = performance.now()
    ids.push(...some)
    if (ids.length >= outputTokens) break
  }
  return { ids, prefillMs: firstMs - startMs, decodeMs: performance.now() - firstMs }
}

export async function openTrtllm(model, { quant, threads }) {
  const llm = await LLM.load(model, {
    device: 'cpu',
    dtype: 'bf16',
    ...(quant && { quant }),
    ...(threads && { threads }),
    tokenizer: false,
    maxBatchSize: 1,
    maxSeqLen: 1024,
    enableBlockReuse: false,
  })
  async function* deltas(prompt, maxTokens) {
    const params = { maxTokens, temperature: 0, ignoreEos: true, detokenize: false }
    for await (const { tokenIds } of llm.generateStream(prompt, params)) yield tokenIds
  }
  return {
    name: 'trtllm',
    run: (prompt, outputTokens) => timed(deltas(prompt, outputTokens), outputTokens),
    close: () => llm.close(),
  }
}

export async function openLlamaCpp(file, { threads }) {
  const { getLlama, LlamaLogLevel } = await import('node-llama-cpp')
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    maxThreads: threads,
    logLevel: LlamaLogLevel.error,
  })
  const model = await llama.loadModel({ modelPath: file, useMmap: false })
  const context = await model.createContext({ contextSize: 1024, batchSize: 512, threads })
  const sequence = context.getSequence()
  async function* single(prompt) {
    for await (const id of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) yield [id]
  }
  return {
    name: 'node-llama-cpp',
    async run(prompt, outputTokens) {
      await sequence.clearHistory()
      return timed(single(prompt), outputTokens)
    },
    close: () => llama.dispose(),
  }
}
