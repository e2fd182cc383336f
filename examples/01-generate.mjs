// Loads the embedded model and continues a text.
import { embeddedModelPath, LLM } from 'trtllm'

const llm = await LLM.load(process.argv[2] ?? embeddedModelPath())
const start = performance.now()
const { outputs, usage } = await llm.generate('Once upon a time', { maxTokens: 64 })
const seconds = (performance.now() - start) / 1000

console.log(outputs[0].text)
console.log(`${Math.round(usage.completionTokens / seconds)} tokens/s`)
await llm.close()
