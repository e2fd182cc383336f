// Many prompts at once: they share the steps of the engine, each with its own parameters.
import { embeddedModelPath, LLM } from 'trtllm'

const llm = await LLM.load(process.argv[2] ?? embeddedModelPath())
const prompts = ['fox', 'owl', 'bear', 'mouse'].map((animal) => `Once upon a time a ${animal}`)
const params = prompts.map((_, index) => ({ maxTokens: 24 + 8 * index }))
const start = performance.now()
const answers = await llm.generate(prompts, params)
const seconds = (performance.now() - start) / 1000

for (const { prompt, outputs } of answers) console.log(`${prompt}${outputs[0].text}\n`)
const tokens = answers.reduce((sum, { usage }) => sum + usage.completionTokens, 0)
console.log(`${tokens} tokens, ${Math.round(tokens / seconds)} tokens/s`)
await llm.close()
