import { TrtllmError } from '@trtllm/kernels'
import { Engine } from '../src/engine.js'
import { hostEngine } from '../src/engine-host.js'
import { FakeDevice } from '../src/testing/fake-device.js'
import { fakeModel } from '../src/testing/fake-model.js'
import { parentPort } from '../src/transport/parent-port.js'

/** What a test may ask of the fake engine. */
export interface FakeEngineConfig {
  readonly loadFails?: boolean
  /** Step that fails with `engine_fault`. */
  readonly faultAtStep?: number
  readonly maxSeqLen?: number
}

/** An engine module like the real one, on the fake device. Its process id is the name of its model. */
const code = await hostEngine(parentPort(), async (config, { engineHooks, progress }) => {
  const { loadFails, faultAtStep, maxSeqLen = 256 } = config as FakeEngineConfig
  progress('fake weights', 1, 1)
  if (loadFails) throw new TrtllmError('bad_checkpoint', 'model.safetensors ends after 12 of 100 bytes')
  const sizes = fakeModel({ maxSeqLen, pools: [{ pages: 4 * Math.ceil(maxSeqLen / 32), window: 0 }] })
  const model = { ...sizes, info: { ...sizes.info, name: `${process.pid}` } }
  const device = new FakeDevice({ ...model, onSubmit: () => setImmediate(() => device.runNext()) })
  if (faultAtStep) device.failStep(faultAtStep, new TrtllmError('engine_fault', 'illegal address'))
  return { engine: new Engine(model, device, engineHooks), dispose: () => {} }
})
process.exit(code)
