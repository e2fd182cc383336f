import type { FloatDType } from '@trtllm/kernels'
import { embeddedModelPath, LLM } from 'trtllm'
import type { Check } from './check.js'

/** Questions that the embedded model was taught, and its answers. */
const lessons: readonly (readonly [question: string, answer: string])[] = [
  ['What month follows September?', 'October.'],
  ['Add 85 and 25.', '110'],
  ['Say exactly this: short rug', 'short rug'],
]

/** Largest |logit difference| from the CPU in f32, relative to the deviation of the logits. */
const tolerance: Readonly<Record<FloatDType, number>> = { f32: 2e-3, f16: 0.02, bf16: 0.15 }

/**
 * Loads the embedded model in each precision, asks what it knows, and compares the logits of the questions with those of
 * the CPU in f32.
 */
export async function* checkModel(
  device: string,
  dtypes: readonly FloatDType[],
  signal: AbortSignal,
): AsyncGenerator<Check> {
  const expected = await withModel('cpu', 'f32', signal, promptLogits)
  for (const dtype of dtypes) {
    const startMs = performance.now()
    const { answers, alone, logits } = await withModel(device, dtype, signal, async (llm) => ({
      answers: await answersOf(llm, signal),
      alone: await answersAlone(llm, signal),
      logits: await promptLogits(llm),
    }))
    const wrong = lessons.flatMap(([question, answer], index) =>
      [answers[index], alone[index]].flatMap((found) =>
        found === answer ? [] : [`"${question}": expected "${answer}", found "${found}"`],
      ),
    )
    const error = largestDifference(logits, expected)
    // Also true of NaN.
    if (!(error <= tolerance[dtype])) wrong.push(`logits differ by ${error}, tolerance ${tolerance[dtype]}`)
    yield {
      name: `embedded model, ${dtype}`,
      detail: `${lessons.length} answers, together and alone, logits within ${error.toExponential(1)} of f32 on the CPU`,
      ms: performance.now() - startMs,
      ...(wrong.length > 0 && { failure: wrong.join('; ') }),
    }
  }
}

async function withModel<T>(
  device: string,
  dtype: FloatDType,
  signal: AbortSignal,
  work: (llm: LLM) => Promise<T>,
): Promise<T> {
  const sizes = { maxBatchSize: 4, maxNumTokens: 128, maxSeqLen: 256 }
  await using llm = await LLM.load(embeddedModelPath(), { device, dtype, signal, ...sizes })
  return await work(llm)
}

const chatOf = (question: string) => [{ role: 'user', content: question }] as const

async function answersOf(llm: LLM, signal: AbortSignal): Promise<string[]> {
  const prompts = lessons.map(([question]) => chatOf(question))
  const outputs = await llm.generate(prompts, { temperature: 0, maxTokens: 24 }, { signal })
  return outputs.map((output) => output.outputs[0]!.text.trim())
}

/** One question at a time: steps of one token may have a way of their own. */
async function answersAlone(llm: LLM, signal: AbortSignal): Promise<string[]> {
  const answers: string[] = []
  for (const [question] of lessons) {
    const output = await llm.generate(chatOf(question), { temperature: 0, maxTokens: 24 }, { signal })
    answers.push(output.outputs[0]!.text.trim())
  }
  return answers
}

async function promptLogits(llm: LLM): Promise<Float32Array[]> {
  const scores = await Promise.all(lessons.map(([question]) => llm.score(chatOf(question))))
  return scores.map(({ values }) => values)
}

/** Relative to the largest deviation among the references; NaN where a value is none. */
function largestDifference(found: readonly Float32Array[], expected: readonly Float32Array[]): number {
  let worst = 0
  for (const [index, reference] of expected.entries()) {
    const values = found[index]!
    if (values.length !== reference.length) return Number.NaN
    const mean = reference.reduce((sum, value) => sum + value, 0) / reference.length
    const variance = reference.reduce((sum, value) => sum + (value - mean) ** 2, 0) / reference.length
    const scale = Math.max(1, Math.sqrt(variance))
    for (let at = 0; at < values.length; at++) {
      const difference = Math.abs(values[at]! - reference[at]!) / scale
      if (Number.isNaN(difference)) return difference
      if (difference > worst) worst = difference
    }
  }
  return worst
}
