import { describe, expect, it } from 'vitest'
import type { OpCase } from '../../src/define-op.js'
import { cpuIsa, Device } from '../../src/index.js'
import { OpRunner } from '../../src/op-runner.js'
import { largestError, namedRandom } from '../../src/parity-operands.js'
import { penalizeInputs } from '../../src/sampling-cases.js'
import {
  listWords,
  listWordsPerSlot,
  rowTasks,
  samplingWords,
  samplingWordsPerSlot,
} from '../../src/sampling-words.js'
import { penalize } from './penalize.op.js'

// The schema's words, one step after another.
function reference(opCase: OpCase, inputs: ReturnType<typeof penalizeInputs>): Float64Array {
  const { rows = 1, vocab = 1, length = 1 } = opCase.dims
  const words = new DataView(inputs.sampling.buffer)
  const lists = new DataView(inputs.lists.buffer)
  const out = Float64Array.from(inputs.logits)
  for (let row = 0; row < rows; row++) {
    const integer = (name: keyof typeof samplingWords) =>
      words.getInt32((row * samplingWordsPerSlot + samplingWords[name]) * 4, true)
    const float = (name: keyof typeof samplingWords) =>
      words.getFloat32((row * samplingWordsPerSlot + samplingWords[name]) * 4, true)
    const list = (at: number) => lists.getInt32((row * listWordsPerSlot + at) * 4, true)
    const logits = out.subarray(row * vocab, (row + 1) * vocab)
    const context = [
      ...inputs.slotTokens.subarray(row * length, row * length + (inputs.rowPosition[row] ?? 0) + 1),
    ]
    if (inputs.rowSample[row] === rowTasks.candidates) {
      const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0))
      for (let id = 0; id < vocab; id++) logits[id]! -= total
    }
    for (let i = 0; i < integer('numBiases'); i++) {
      const id = list(listWords.biasIds + i)
      logits[id] =
        (logits[id] ?? 0) + lists.getFloat32((row * listWordsPerSlot + listWords.biasValues + i) * 4, true)
    }
    const outputs = context.slice(integer('promptLength'))
    const counted = (ids: number[], from: number) =>
      ids.slice(Math.max(0, integer('promptIgnoreLength') - from))
    for (const id of new Set(counted(context, 0))) {
      const logit = logits[id] ?? 0
      const penalty = float('repetitionPenalty')
      logits[id] = logit > 0 ? logit / penalty : logit * penalty
    }
    const penalized = counted(outputs, integer('promptLength'))
    for (const id of new Set(penalized)) {
      const count = penalized.filter((other) => other === id).length
      logits[id] = (logits[id] ?? 0) - float('frequencyPenalty') * count - float('presencePenalty')
    }
    const size = integer('noRepeatNgramSize')
    const runs = context.map((_, at) => context.slice(at, at + size))
    for (const run of size > 0 ? runs.filter(({ length }) => length === size) : []) {
      const tail = size === 1 ? [] : context.slice(1 - size)
      if (run.slice(0, -1).join() === tail.join()) logits[run.at(-1)!] = Number.NEGATIVE_INFINITY
    }
    for (let at = 0; at < integer('numBadWordWords'); ) {
      const size = list(listWords.badWords + at)
      const word = Array.from({ length: size }, (_, i) => list(listWords.badWords + at + 1 + i))
      const tail = size === 1 ? [] : context.slice(1 - size)
      if (word.slice(0, -1).join() === tail.join()) logits[word.at(-1) ?? 0] = Number.NEGATIVE_INFINITY
      at += size + 1
    }
    if (outputs.length < integer('minTokens')) {
      for (let i = 0; i < integer('numEndIds'); i++) {
        const id = list(listWords.endIds + i)
        if (id < vocab) logits[id] = Number.NEGATIVE_INFINITY
      }
    }
  }
  return out
}

describe.each(cpuIsa().all)('penalize on %s', (isa) => {
  it.each(penalize.cases.map((opCase) => [opCase.name, opCase as OpCase] as const))(
    'follows its words: %s',
    async (_, opCase) => {
      using device = Device.open('cpu', { isa, threads: 2 })
      using runner = new OpRunner(device)
      const inputs = penalizeInputs(opCase, namedRandom('penalize test'))
      const expected = reference(opCase, inputs)
      const [processed] = await runner.run({ ...penalize, makeInputs: () => inputs }, opCase)
      expect(largestError('f32', processed ?? new Float64Array(0), expected)).toBeLessThan(1e-6)
      expect(expected).toContain(Number.NEGATIVE_INFINITY)
    },
  )

  it('writes nothing for rows that ask for nothing', async () => {
    using device = Device.open('cpu', { isa, threads: 2 })
    using runner = new OpRunner(device)
    const opCase = penalize.cases.find(({ name }) => name === 'small vocabulary')! as OpCase
    const { rows = 1, vocab = 1 } = opCase.dims
    const inputs = penalizeInputs(opCase, namedRandom('penalize rows'))
    inputs.rowSample[1] = rowTasks.none
    inputs.rowSample[2] = rowTasks.score
    inputs.sampling[3 * samplingWordsPerSlot + samplingWords.processes] = 0
    inputs.rowSlot[4] = -1
    const [processed] = await runner.run({ ...penalize, makeInputs: () => inputs }, opCase)
    const isWritten = Array.from({ length: rows }, (_, row) => {
      const values = processed?.subarray(row * vocab, (row + 1) * vocab)
      return !values?.every(Number.isNaN)
    })
    expect(isWritten).toEqual(Array.from({ length: rows }, (_, row) => row === 0 || row > 4))
  })
})
