import type { StepLayout } from '@trtllm/graph'

/**
 * Sizes for which a decode step is recorded, smallest first, up to `most` sequences. A step is padded to the next one,
 * which has at most a quarter more rows.
 */
export function decodeBuckets(most: number): number[] {
  const buckets: number[] = []
  for (let size = 1; size < most; size += Math.max(1, 2 ** Math.floor(Math.log2(size) - 2)))
    buckets.push(size)
  return [...buckets, most]
}

/**
 * Fills a slab whose `count` sequences have one token and one row each up to `bucket`: rows without a slot, which kernels
 * pass over, and tokens that belong to no sequence.
 */
export function padDecodeStep(slab: Int32Array, layout: StepLayout, count: number, bucket: number): void {
  const { seqSlot, seqStart, seqContext, tokenSlot, positions, ropeVariant } = layout.slab
  const { logitRows, rowSlot, rowPosition, rowSample, rowTarget } = layout.slab
  const fill = ({ offset }: { offset: number }, value: number) =>
    slab.fill(value, offset + count, offset + bucket)
  for (const section of [tokenSlot, seqSlot, rowSlot]) fill(section, -1)
  for (const section of [positions, ropeVariant, seqContext, logitRows, rowPosition, rowSample, rowTarget])
    fill(section, 0)
  slab.fill(count, seqStart.offset + count, seqStart.offset + bucket + 1)
}
