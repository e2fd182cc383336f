import { TrtllmError } from '@trtllm/kernels'

const mebibyte = 2 ** 20

/** Memory that drivers report for GPUs, in MiB, by the name that `--gpu-memory` takes. */
const gpus: Readonly<Record<string, number>> = {
  b200: 183_359,
  h200: 143_771,
  h100: 81_559,
  'a100-80gb': 81_920,
  'a100-40gb': 40_960,
  l40s: 46_068,
  l4: 23_034,
  a10: 23_028,
  'rtx-5090': 32_607,
  'rtx-4090': 24_564,
  'rtx-3090': 24_576,
}

/**
 * What a process takes that has opened a device and loaded its kernels, and nothing else: 527 to 549 MiB were seen on an
 * H200 with driver 580.
 */
export const cudaContextBytes = 540 * mebibyte

const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  mb: 1e6,
  gb: 1e9,
  mib: mebibyte,
  gib: 2 ** 30,
  m: mebibyte,
  g: 2 ** 30,
}

/** How much memory a plan may use, and how messages call it. */
export interface GpuMemory {
  readonly name: string
  readonly bytes: number
}

/** Reads `h200`, `80GiB`, `80GB` or bytes. @throws TrtllmError bad_flag with what is known. */
export function parseGpuMemory(text: string): GpuMemory {
  const name = text.trim().toLowerCase()
  const known = gpus[name]
  if (Object.hasOwn(gpus, name)) return { name, bytes: known! * mebibyte }
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(name)
  const unit = units[match?.[2] ?? '?']
  const bytes = Math.floor(Number(match?.[1]) * (unit ?? Number.NaN))
  if (Number.isSafeInteger(bytes) && bytes > 0) return { name: text.trim(), bytes }
  throw new TrtllmError(
    'bad_flag',
    `--gpu-memory ${text}: expected bytes, a size such as 80GiB, or one of ${Object.keys(gpus).join(', ')}`,
  )
}
