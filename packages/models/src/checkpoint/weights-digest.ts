import { createHash } from 'node:crypto'
import type { Checkpoint } from './open-checkpoint.js'

/** Bytes at either end of a tensor that go into the digest. */
const sampleBytes = 2048

/**
 * SHA-256 that tells one set of weights from another: every tensor's name, type, shape and size, and the bytes at both
 * its ends. It reads kilobytes of gigabytes, so it is no proof against damage; fine-tuned copies of a model differ.
 */
export function weightsDigest(checkpoint: Checkpoint): string {
  const hash = createHash('sha256')
  const byPlace = [...checkpoint.tensors.values()].sort((a, b) =>
    a.file === b.file ? a.offset - b.offset : a.file < b.file ? -1 : 1,
  )
  for (const { name, dtype, shape, file, offset, bytes } of byPlace) {
    hash.update(JSON.stringify([name, dtype, shape, bytes]))
    const length = Math.min(sampleBytes, bytes)
    if (length === 0) continue
    const mapped = checkpoint.map(file)
    hash.update(mapped.read(offset, length))
    hash.update(mapped.read(offset + bytes - length, length))
  }
  return hash.digest('hex')
}
