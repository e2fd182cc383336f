// Prints a tale while it is being told.
import { embeddedModelPath, LLM } from 'trtllm'

const llm = await LLM.load(process.argv[2] ?? embeddedModelPath())
const params = { maxTokens: 120, temperature: 0.8, topP: 0.95, seed: 7, stop: ['\n\n'] }
for await (const { text, finish } of llm.generateStream('The little fox', params)) {
  process.stdout.write(text)
  if (finish) console.log(`\n[${finish.reason}, ${finish.usage.completionTokens} tokens]`)
}
await llm.close()
