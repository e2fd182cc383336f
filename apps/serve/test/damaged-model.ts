import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedModelPath } from 'trtllm'

export const firstShard = 'model-00001-of-00002.safetensors'

type Json = Record<string, unknown>
interface TensorEntry {
  dtype: string
  shape: number[]
  data_offsets: [number, number]
}

/** A copy of the embedded model that can be damaged file by file. Disposing it removes it. */
export class DamagedModel implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'trtllm-damaged-'))

  constructor() {
    const source = embeddedModelPath()
    for (const file of readdirSync(source)) symlinkSync(join(source, file), join(this.folder, file))
  }

  remove(file: string): void {
    rmSync(join(this.folder, file))
  }

  write(file: string, data: string | Uint8Array): void {
    // The file is a link to the good one: it is replaced, not written through.
    rmSync(join(this.folder, file), { force: true })
    writeFileSync(join(this.folder, file), data)
  }

  bytes(file: string, change: (bytes: Buffer) => Uint8Array): void {
    this.write(file, change(readFileSync(join(this.folder, file))))
  }

  json(file: string, change: Json | ((value: Json) => void)): void {
    const value = JSON.parse(readFileSync(join(this.folder, file), 'utf8')) as Json
    if (typeof change === 'function') change(value)
    else Object.assign(value, change)
    this.write(file, JSON.stringify(value))
  }

  /** Changes the header of a shard; a member that becomes undefined is removed. Its data stay. */
  header(change: (tensors: Record<string, TensorEntry>) => void): void {
    this.bytes(firstShard, (bytes) => {
      const end = 8 + Number(bytes.readBigUInt64LE(0))
      const tensors = JSON.parse(bytes.toString('utf8', 8, end)) as Record<string, TensorEntry>
      change(tensors)
      return withHeader(JSON.stringify(tensors), bytes.subarray(end))
    })
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true })
  }
}

function withHeader(text: string, data: Uint8Array): Uint8Array {
  const padded = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(padded.length))
  return Buffer.concat([length, padded, data])
}
