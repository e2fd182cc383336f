// The model asks for a function, the program calls it, the model answers with its result.
import { embeddedModelPath, LLM, parseToolCalls } from 'trtllm'

const speeds = { wolf: 59, mole: 4 }
const searchAnimal = ({ animal }) => ({ speed: speeds[animal] })
const parameters = { type: 'object', properties: { animal: { type: 'string' } }, required: ['animal'] }
const description = 'Look up facts about an animal.'
const tools = [{ type: 'function', function: { name: 'search_animal', description, parameters } }]

const llm = await LLM.load(process.argv[2] ?? embeddedModelPath())
const messages = [{ role: 'user', content: 'Look up the wolf for me.' }]
const asked = await llm.chat(messages, { maxTokens: 64 }, { tools })
for (const { name, arguments: json } of parseToolCalls(asked.outputs[0].text).calls) {
  const result = JSON.stringify(searchAnimal(JSON.parse(json)))
  console.log(`${name}(${json}) = ${result}`)
  const call = { type: 'function', function: { name, arguments: json } }
  messages.push({ role: 'assistant', content: '', tool_calls: [call] }, { role: 'tool', content: result })
}
const answer = await llm.chat(messages, { maxTokens: 64 }, { tools })
console.log(answer.outputs[0].text)
await llm.close()
