/** What is wrong with an option's value: what was expected, or undefined. */
export type Check = (value: unknown) => string | undefined

export const which =
  (expected: string, holds: (value: unknown) => boolean): Check =>
  (value) =>
    holds(value) ? undefined : expected

export const oneOf = (...values: string[]): Check =>
  which(`one of ${values.join(', ')}`, (value) => values.includes(value as string))

export const whole = (least: number): Check =>
  which(
    `a whole number of at least ${least}`,
    (value) => Number.isSafeInteger(value) && (value as number) >= least,
  )

export const isText = (value: unknown): value is string => typeof value === 'string'

export const isBoolean: Check = which('true or false', (value) => typeof value === 'boolean')
