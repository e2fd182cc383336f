import { EngineClient } from '../src/engine-client.js'

/** A front side that starts an engine, says which, keeps it busy and never ends it. */
const client = EngineClient.overChildProcess(process.argv[2]!, { maxSeqLen: 4096 })
const { name } = await client.ready
const promptIds = Int32Array.of(1)
const first = new Promise<void>((resolve) => {
  client.submit({ id: 'busy', promptIds, seed: 1, ignoreEos: true }, { token: () => resolve(), output() {} })
})
await first
process.stdout.write(`${name}\n`)
