/** log of the sum of e^x over a row, in double precision; NaN when a value is NaN. */
export function logSumExp(row: Float32Array): number {
  let largest = -Infinity
  for (const value of row) largest = Math.max(largest, value)
  let sum = 0
  for (const value of row) sum += Math.exp(value - largest)
  return largest + Math.log(sum)
}

/** -log of the probability that a row of logits gives to a token, in nats. */
export const negativeLogProbability = (row: Float32Array, token: number): number =>
  logSumExp(row) - row[token]!
