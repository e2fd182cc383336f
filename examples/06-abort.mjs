// Three ways to end an answer early: leave its loop, abort its signal, give it a deadline.
import { embeddedModelPath, LLM } from 'trtllm'

const llm = await LLM.load(process.argv[2] ?? embeddedModelPath())
const endless = { maxTokens: 1500, ignoreEos: true }
const prompt = 'Once upon a time'

let tokens = 0
for await (const { tokenIds } of llm.generateStream(prompt, endless)) {
  tokens += tokenIds.length
  if (tokens >= 8) break
}
console.log(`left after ${tokens} tokens`)

const controller = new AbortController()
const answer = llm.generate(prompt, endless, { signal: controller.signal })
controller.abort(new Error('no longer wanted'))
console.log(await answer.catch((error) => `aborted: ${error.message}`))

const late = llm.generate(prompt, endless, { deadlineMs: 10 })
console.log(await late.catch((error) => `${error.code}: ${error.message}`))
await llm.close()
