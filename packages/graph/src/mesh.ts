import { TrtllmError } from '@trtllm/kernels'

/** The ranks a plan is split over, and which of them it is for. */
export interface Mesh {
  readonly size: number
  readonly rank: number
}

/** This rank's run of `total` units, `from` on; `copies` ranks hold the same run. */
export interface Share {
  readonly from: number
  readonly count: number
  readonly copies: number
}

/** An even share of `total`. Throws `contradictory_config` if there is none; `what` begins the sentence. */
export function shareOf(mesh: Mesh, total: number, path: string, what = `width ${total} does`): Share {
  if (total % mesh.size !== 0) {
    throw new TrtllmError('contradictory_config', `${path}: ${what} not divide over ${mesh.size} ranks`)
  }
  const count = total / mesh.size
  return { from: mesh.rank * count, count, copies: 1 }
}

/** An even share of heads, or one head that several ranks copy where there are fewer heads than ranks. */
export function headShareOf(mesh: Mesh, numHeads: number, path: string): Share {
  if (numHeads < mesh.size && mesh.size % numHeads === 0) {
    const copies = mesh.size / numHeads
    return { from: Math.floor(mesh.rank / copies), count: 1, copies }
  }
  return shareOf(mesh, numHeads, path, `${numHeads} heads do`)
}

/** Throws `contradictory_config` unless `mesh` has whole positive size and a rank in it. */
export function checkMesh({ size, rank }: Mesh): void {
  const isMesh = Number.isInteger(size) && size >= 1 && Number.isInteger(rank) && rank >= 0 && rank < size
  if (!isMesh) {
    throw new TrtllmError('contradictory_config', `rank ${rank} of ${size}: a rank is in 0..size-1`)
  }
}
