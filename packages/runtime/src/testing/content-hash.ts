/** Mixes a 32-bit word into a 32-bit hash (unsigned). */
export function mix(hash: number, word: number): number {
  let mixed = Math.imul(hash ^ (word | 0), 0x9e3779b1)
  mixed ^= mixed >>> 15
  mixed = Math.imul(mixed, 0x85ebca6b)
  return (mixed ^ (mixed >>> 13)) >>> 0
}

/** What tells the content of one request from that of all others: made from its seed. Never 0. */
export function nonceOf(seedLow: number, seedHigh: number): number {
  return mix(mix(0x7f4a7c15, seedLow), seedHigh) | 1 | 0
}
