import { type CacheDType, Device, dtypeBytes } from '@trtllm/kernels'
import type { Check } from './check.js'
import { attendInPool, pageElements } from './large-pool-run.js'

/** Pages of a cache of more than 2^32 elements; the last ones lie beyond those. */
const largePages = 2 ** 32 / pageElements + 8
const smallPages = 16

/**
 * A cache of more than 2^32 elements gives what a small one gives, bit for bit: no index of an element is kept in 32 bits.
 * A device with too little memory says so.
 */
export async function checkLargePool(deviceName: string): Promise<Check[]> {
  using device = Device.open(deviceName)
  const checks: Check[] = []
  for (const dtype of ['bf16', 'f8'] satisfies CacheDType[]) {
    const startMs = performance.now()
    const bytes = largePages * pageElements * dtypeBytes[dtype]
    const check = (detail: string, failure?: string) => {
      const name = `cache of more than 2^32 elements, ${dtype}`
      checks.push({
        name,
        detail,
        ms: performance.now() - startMs,
        ...(failure !== undefined && { failure }),
      })
    }
    if (device.info().freeBytes < 1.1 * bytes) {
      check(`left out: needs ${(bytes / 2 ** 30).toFixed(1)} GiB`)
      continue
    }
    const small = await attendInPool(device, dtype, smallPages)
    const large = await attendInPool(device, dtype, largePages)
    const differ = (['prompt', 'decoded token'] as const).filter(
      (_, i) => Buffer.compare(small.answers[i]!, large.answers[i]!) !== 0,
    )
    const wrong = [
      ...differ.map((what) => `other bytes of a ${what}`),
      ...(large.lowIsUntouched ? [] : ['pages at its beginning were written']),
    ]
    check(
      'prompt and decoded token equal those of a small one',
      wrong.length > 0 ? wrong.join('; ') : undefined,
    )
  }
  return checks
}
