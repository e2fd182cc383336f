import type { TrtllmError } from '@trtllm/kernels'
import type { EngineModel } from '../compiled-model.js'
import { Engine } from '../engine.js'
import type { EngineOptions } from '../engine-options.js'
import type { EngineRequest, Finish, Output } from '../request.js'
import { eachOutput, type TurnOutputs } from '../turn-outputs.js'
import { FakeDevice } from './fake-device.js'
import { bestId } from './fake-sampler.js'
import { ManualClock } from './manual-clock.js'

export interface EngineBenchOptions extends Omit<Partial<EngineOptions>, 'clock' | 'maxInFlightSteps'> {
  readonly model: EngineModel
  /** Steps in flight; 2 by default. */
  readonly depth?: 1 | 2
}

/** An engine on the fake device and a manual clock, with everything it sent. The test decides when a step ends. */
export class EngineBench {
  readonly clock = new ManualClock()
  readonly device: FakeDevice
  readonly engine: Engine
  readonly faults: TrtllmError[] = []
  readonly #outputs = new Map<string, Output[]>()
  /** Logits of requests whose next token is chosen outside and has not been said. */
  readonly #awaited = new Map<string, Float32Array>()
  #requests = 0

  constructor({ model, depth = 2, ...options }: EngineBenchOptions) {
    this.device = new FakeDevice({ ...model, depth })
    this.engine = new Engine(model, this.device, {
      onOutputs: (outputs) => this.#take(outputs),
      onFault: (error) => this.faults.push(error),
      ...options,
      clock: this.clock,
      maxInFlightSteps: depth,
    })
  }

  /** A request with a prompt of its own and a seed of its own. */
  request(promptTokens: number, fields: Partial<EngineRequest> = {}): EngineRequest {
    const number = ++this.#requests
    const { vocabSize } = this.engine.model
    const promptIds = Int32Array.from({ length: promptTokens }, (_, i) => (i * 7 + number) % vocabSize)
    return { id: `r${number}`, promptIds, seed: number, ...fields }
  }

  submit(request: EngineRequest): EngineRequest {
    this.engine.submit(request)
    return request
  }

  /** Lets the engine take its turn, then ends the oldest step, then lets it take its turn again. */
  step(): boolean {
    this.clock.runSoon()
    const ran = this.device.runNext()
    this.clock.runSoon()
    return ran
  }

  /** Steps until nothing is left to do; throws when that does not come. */
  run(mostSteps = 20_000): void {
    for (let steps = 0; this.step(); steps++) {
      if (steps > mostSteps) throw new Error(`engine bench: still busy after ${mostSteps} steps`)
    }
  }

  /** Says the next token of up to `most` requests that await it from outside, the longest waiting first; how many. */
  answer(most = Number.POSITIVE_INFINITY): number {
    let answered = 0
    for (const [id, logits] of this.#awaited) {
      if (answered >= most) break
      this.#awaited.delete(id)
      // The second one is nobody's: the first was the token that was asked for.
      for (const token of [bestId(logits), 1]) this.engine.choose(id, token)
      answered++
    }
    return answered
  }

  outputsOf(id: string): readonly Output[] {
    return this.#outputs.get(id) ?? []
  }

  tokensOf(id: string): number[] {
    return this.outputsOf(id).flatMap(({ tokens }) => [...tokens])
  }

  finishOf(id: string): Finish | undefined {
    return this.outputsOf(id).at(-1)?.finish
  }

  /** Throws unless all is back where it was and nothing foreign was ever read. */
  expectQuiet(): void {
    this.engine.check()
    const { gauges } = this.engine.stats()
    if (!gauges.quiescent) throw new Error(`engine bench: not quiescent: ${JSON.stringify(gauges)}`)
    if (this.device.reads.foreign > 0)
      throw new Error(`engine bench: ${this.device.reads.foreign} foreign reads`)
    if (this.device.hazards > 0) throw new Error(`engine bench: ${this.device.hazards} hazards`)
  }

  #take(outputs: TurnOutputs): void {
    for (const output of eachOutput(outputs)) {
      const before = this.#outputs.get(output.id)
      if (before?.at(-1)?.finish) throw new Error(`engine bench: ${output.id} got an output after its finish`)
      if (output.awaits) this.#awaited.set(output.id, output.awaits)
      if (before) before.push(output)
      else this.#outputs.set(output.id, [output])
    }
  }
}
