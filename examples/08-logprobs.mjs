// How sure the model is: log-probabilities of an answer, and the perplexity of a given text.
import { embeddedModelPath, LLM } from 'trtllm'

const llm = await LLM.load(process.argv[2] ?? embeddedModelPath())
const { tokenizer } = llm
const { outputs } = await llm.generate('Once upon a', { maxTokens: 6, logprobs: 3 })
for (const { id, logprob, top } of outputs[0].logprobs) {
  const others = top.map((one) => `${JSON.stringify(tokenizer.tokenText(one.id))} ${one.logprob.toFixed(2)}`)
  console.log(`${JSON.stringify(tokenizer.tokenText(id))} ${logprob.toFixed(2)}  of ${others.join(', ')}`)
}

const ids = tokenizer.encode(
  'Walter the elephant lived in the snowy garden. Everyone knew that he was very shy.',
)
const { values, vocabSize } = await llm.score(ids)
let loss = 0
for (let at = 1; at < ids.length; at++) {
  const row = values.subarray((at - 1) * vocabSize, at * vocabSize)
  loss += Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0)) - row[ids[at]]
}
console.log(`perplexity ${Math.exp(loss / (ids.length - 1)).toFixed(2)}`)
await llm.close()
