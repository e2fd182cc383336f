// A conversation: each answer becomes part of the next prompt.
import { embeddedModelPath, LLM } from 'trtllm'

const llm = await LLM.load(process.argv[2] ?? embeddedModelPath())
const messages = []
for (const content of ['I live in Toronto.', 'What is 12 + 30?', 'Where do I live?']) {
  messages.push({ role: 'user', content })
  const { outputs } = await llm.chat(messages, { maxTokens: 64 })
  messages.push({ role: 'assistant', content: outputs[0].text })
  console.log(`user: ${content}\nassistant: ${outputs[0].text}`)
}
await llm.close()
