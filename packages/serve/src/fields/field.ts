import { z } from 'zod'

/** What a field accepts, in words that complete "must be ...". */
export const fieldDocs = z.registry<{ expects: string }>()

/** Declares one optional request field: its type and range, and the words a client reads when it is wrong. */
export function field<Schema extends z.ZodType>(schema: Schema, expects: string): z.ZodOptional<Schema> {
  const optional = z.optional(schema)
  fieldDocs.add(optional, { expects })
  return optional
}

/** A number within closed bounds. */
export const numberField = (low: number, high: number) =>
  field(z.number().min(low).max(high), `a number from ${low} to ${high}`)

/** An integer within closed bounds. */
export const integerField = (low: number, high: number) =>
  field(z.int().min(low).max(high), `an integer from ${low} to ${high}`)

export const booleanField = () => field(z.boolean(), 'true or false')

/** Objects without a `__proto__` of their own, which schemas of objects leave out in silence. */
export const withoutProto = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess(
    (value) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__') ? undefined : value,
    schema,
  )
