import { Engine } from '../engine.js'
import { EngineClient } from '../engine-client.js'
import { hostEngine } from '../engine-host.js'
import type { EngineOptions } from '../engine-options.js'
import type { EngineRequest, Output } from '../request.js'
import { FakeDevice } from './fake-device.js'
import { fakeModel } from './fake-model.js'
import { LinkedPorts } from './linked-ports.js'
import { ManualClock } from './manual-clock.js'

export interface HostedFakeOptions {
  readonly clock?: ManualClock
  readonly loadError?: Error
  readonly options?: Partial<EngineOptions>
}

/** An engine on the fake device behind the protocol, with its client, all in one thread and on one manual clock. */
export class HostedFake {
  readonly clock: ManualClock
  readonly ports: LinkedPorts
  readonly client: EngineClient
  readonly model = fakeModel()
  readonly device = new FakeDevice({ ...this.model, onSubmit: () => this.#runLater() })
  /** Exit code of the engine side; undefined while it runs. */
  exitCode: number | undefined
  /** While set, the device does not finish steps. */
  isStalled = false

  constructor(given: HostedFakeOptions = {}) {
    const { loadError, options } = given
    this.clock = given.clock ?? new ManualClock()
    this.ports = new LinkedPorts(this.clock)
    const load = async (
      _config: unknown,
      { engineHooks, progress }: Parameters<Parameters<typeof hostEngine>[1]>[1],
    ) => {
      progress('weights', 1, 2)
      if (loadError) throw loadError
      return {
        engine: new Engine(this.model, this.device, { ...engineHooks, ...options, clock: this.clock }),
        dispose: () => {},
      }
    }
    void hostEngine(this.ports.port, load, this.clock).then((code) => {
      this.exitCode = code
    })
    this.client = new EngineClient(this.ports.link, {}, this.clock)
  }

  /** Runs everything that waits, until nothing does. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < 4; idle++) {
      await Promise.resolve()
      await new Promise(setImmediate)
      if (this.clock.numSoon > 0) idle = 0
      this.clock.runSoon()
    }
  }

  /** Lets time pass, with the messages that it brings. */
  async pass(milliseconds: number, stepMs = 250): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += stepMs) {
      this.clock.advance(stepMs)
      await this.settle()
    }
  }

  request(id: string, fields: Partial<EngineRequest> = {}): EngineRequest {
    return { id, promptIds: Int32Array.of(5, 6, 7), seed: 11, maxTokens: 8, ignoreEos: true, ...fields }
  }

  /** Ends the steps that a stall held back. */
  resume(): void {
    this.isStalled = false
    this.#runLater()
  }

  #runLater(): void {
    if (!this.isStalled) this.clock.soon(() => this.device.runNext() && this.#runLater())
  }
}

/** Submits a request and resolves with all its outputs; `onOutput` sees them as they come. */
export function collect(
  client: Pick<EngineClient, 'submit'>,
  request: EngineRequest,
  onOutput: (output: Output) => void = () => {},
): Promise<Output[]> {
  return new Promise((resolve) => {
    const all: Output[] = []
    const output = (one: Output) => {
      all.push(one)
      onOutput(one)
      if (one.finish) resolve(all)
    }
    client.submit(request, {
      output,
      token: (token) => output({ id: request.id, tokens: Int32Array.of(token) }),
    })
  })
}
