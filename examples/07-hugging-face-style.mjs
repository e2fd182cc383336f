// The spelling of Transformers: a tokenizer, a model, token ids in and out.
import { AutoModelForCausalLM, AutoTokenizer, embeddedModelPath } from 'trtllm'

const directory = process.argv[2] ?? embeddedModelPath()
const tokenizer = await AutoTokenizer.fromPretrained(directory)
const model = await AutoModelForCausalLM.fromPretrained(directory, {
  dtype: 'float16',
  maxBatchSize: 1,
  maxOutputLen: 128,
})

const inputs = tokenizer('Once upon a time')
const outputs = await model.generate(inputs, { maxNewTokens: 48, temperature: 0.7, seed: 1 })
console.log(tokenizer.decode(outputs[0], { skipSpecialTokens: true }))
await model[Symbol.asyncDispose]()
