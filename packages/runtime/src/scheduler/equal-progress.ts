/**
 * Shares tokens among needs so that all advance alike: each gets as much as the others, by whole `unit`s, until its need
 * is met; what is left over of less than a unit each goes to the first. Returns a share for each need, sum <= `tokens`.
 */
export function equalShares(needs: readonly number[], tokens: number, unit: number): number[] {
  const shares = needs.map(() => 0)
  let left = tokens
  let open = needs.map((_, i) => i).filter((i) => needs[i]! > 0)
  while (open.length > 0 && left > 0) {
    const each = Math.floor(left / open.length / unit) * unit
    const still: number[] = []
    for (const i of open) {
      const share = Math.min(needs[i]! - shares[i]!, Math.max(each, Math.min(unit, left)), left)
      shares[i]! += share
      left -= share
      if (shares[i]! < needs[i]!) still.push(i)
    }
    open = still
  }
  return shares
}
