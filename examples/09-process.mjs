// An engine in a process of its own: should it crash, this program lives on and a new engine comes up.
import { embeddedModelPath, LLM } from 'trtllm'

const model = process.argv[2] ?? embeddedModelPath()
const llm = await LLM.load(model, { isolation: 'process', maxBatchSize: 8, maxSeqLen: 1024 })
llm.events.on('died', (error) => console.log(`died: ${error.message}`))
llm.events.on('ready', () => console.log('a new engine is up'))

const { dtype, device, maxSeqLen, kvTokens } = llm.info
console.log(`${dtype} on ${device.detail}: context ${maxSeqLen}, cache of ${kvTokens} tokens`)
await llm.generate('Once upon a time', { maxTokens: 32 })
const { counters, gauges } = await llm.getStats()
console.log(`${llm.state}: ${counters.generatedTokens} tokens so far, ${gauges.running} running`)
await llm.close()
