/** Buckets for each doubling of a time. */
const bucketsPerDoubling = 4
const numBuckets = 24 * bucketsPerDoubling

/**
 * What the device did with its time, in microseconds. Idle is what lay between the end of a step and the beginning of the
 * next while there was work: the part of the host's work that the device did not hide. Steps after a pause in the work
 * have none.
 */
export interface DeviceTimes {
  busyMicroseconds: number
  idleMicroseconds: number
  /** Steps that followed another one without a pause in the work. */
  followingSteps: number
  /** Those steps by their idle time: entry i counts the ones of at most `idleBucketEdge(i)`. */
  idleCounts: number[]
}

export const zeroDeviceTimes = (): DeviceTimes => ({
  busyMicroseconds: 0,
  idleMicroseconds: 0,
  followingSteps: 0,
  idleCounts: new Array<number>(numBuckets).fill(0),
})

/** Longest idle time in microseconds that bucket i counts: 1, 1.19, 1.41 and so on; the last one counts all beyond. */
export const idleBucketEdge = (i: number): number => 2 ** (i / bucketsPerDoubling)

/** Adds a step; `idleMicroseconds` is absent where it followed a pause. */
export function addStepTimes(times: DeviceTimes, microseconds: number, idleMicroseconds?: number): void {
  times.busyMicroseconds += microseconds
  if (idleMicroseconds === undefined) return
  times.idleMicroseconds += idleMicroseconds
  times.followingSteps++
  const bucket = Math.ceil(Math.log2(Math.max(1, idleMicroseconds)) * bucketsPerDoubling)
  times.idleCounts[Math.min(bucket, numBuckets - 1)]!++
}

/** What was added between two readings. */
export function deviceTimesBetween(before: DeviceTimes, after: DeviceTimes): DeviceTimes {
  return {
    busyMicroseconds: after.busyMicroseconds - before.busyMicroseconds,
    idleMicroseconds: after.idleMicroseconds - before.idleMicroseconds,
    followingSteps: after.followingSteps - before.followingSteps,
    idleCounts: after.idleCounts.map((count, i) => count - before.idleCounts[i]!),
  }
}

/** The idle time that `share` of the following steps do not exceed, to a fifth; 0 where there are none. */
export function idleQuantile({ followingSteps, idleCounts }: DeviceTimes, share: number): number {
  let seen = 0
  for (const [i, count] of idleCounts.entries()) {
    seen += count
    if (count > 0 && seen >= share * followingSteps) return idleBucketEdge(i)
  }
  return 0
}
