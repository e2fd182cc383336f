export { EngineBench, type EngineBenchOptions } from './testing/engine-bench.js'
export { FakeDevice, type FakeDeviceOptions } from './testing/fake-device.js'
export { type FakeModelSizes, fakeModel } from './testing/fake-model.js'
export { collect, HostedFake } from './testing/hosted-fake.js'
export {
  type InterleavingCounts,
  type InterleavingOptions,
  liveInterleaving,
  liveInterleavings,
} from './testing/interleaving.js'
export { LinkedPorts } from './testing/linked-ports.js'
export { ManualClock } from './testing/manual-clock.js'
export { type ReferenceStream, referenceStream } from './testing/reference-stream.js'
export { SeededRandom } from './testing/seeded-random.js'
export { eachOutput } from './turn-outputs.js'
