// How fast memory is read: every thread looks through 512 MiB of its own for a byte that is not there, which is the C
// library's vectorised memchr.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

const bytes = 512 * 2 ** 20
const rounds = 6

if (!isMainThread) {
  const gate = new Int32Array(workerData.gate)
  const buffer = Buffer.alloc(bytes, 7)
  for (let round = 0; round < rounds; round++) {
    // All start a round together.
    if (Atomics.add(gate, round, 1) + 1 === workerData.threads) Atomics.notify(gate, round)
    else
      while (Atomics.load(gate, round) < workerData.threads)
        Atomics.wait(gate, round, Atomics.load(gate, round), 50)
    const startMs = performance.now()
    if (buffer.indexOf(8) >= 0) throw new Error('found what is not there')
    parentPort.postMessage({ round, gbS: bytes / 1e6 / (performance.now() - startMs) })
  }
}

/** GB/s that `threads` threads read together: the best of six rounds. */
export async function readRate(threads) {
  const gate = new SharedArrayBuffer(4 * rounds)
  const sums = new Array(rounds).fill(0)
  await Promise.all(
    Array.from({ length: threads }, () => {
      const worker = new Worker(new URL(import.meta.url), { workerData: { gate, threads } })
      worker.on('message', ({ round, gbS }) => {
        sums[round] += gbS
      })
      return new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject))
    }),
  )
  return Math.max(...sums)
}
