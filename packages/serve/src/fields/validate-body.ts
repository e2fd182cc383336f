import type { z } from 'zod'
import { ApiError } from '../errors/api-error.js'
import type { ErrorCode } from '../errors/error-codes.js'
import { fieldDocs } from './field.js'
import { unknownFields } from './unsupported-fields.js'

/** A body that passed its registry, and the names of fields that were ignored. */
export interface ValidBody<Body> {
  body: Body
  ignored: string[]
}

/**
 * Checks a parsed JSON body against a registry of fields. A null field counts as left out, as OpenAI's clients mean it.
 * @throws ApiError `invalid_type`, `out_of_range`, `unsupported` or `invalid_request`, with `param` naming the field.
 */
export function validateBody<Shape extends z.ZodRawShape>(
  registry: z.ZodObject<Shape>,
  parsed: unknown,
): ValidBody<z.infer<z.ZodObject<Shape>>> {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new ApiError('invalid_type', `The body must be a JSON object; got ${show(parsed)}.`)
  const given = parsed as Record<string, unknown>
  const ignored = unknownFields(given, registry.shape)
  const fields = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null))
  const result = registry.safeParse(fields)
  if (result.success) return { body: result.data, ignored }
  throw describe(registry, fields, result.error.issues[0]!)
}

function describe(registry: z.ZodObject, fields: Record<string, unknown>, issue: z.core.$ZodIssue): ApiError {
  const name = String(issue.path[0])
  const expects = fieldDocs.get(registry.shape[name] as z.ZodType)?.expects ?? 'valid'
  const param = issue.path.reduce<string>(
    (path, key) =>
      typeof key === 'number' ? `${path}[${key}]` : path === '' ? String(key) : `${path}.${String(key)}`,
    '',
  )
  const got = issue.path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown>)?.[key],
    fields,
  )
  const message =
    issue.path.length > 1
      ? `'${param}' has the wrong value ${show(got)}: '${name}' must be ${expects}.`
      : `'${name}' must be ${expects}; got ${show(got)}.`
  return new ApiError(codeOf(issue, got), message, { param })
}

function codeOf(issue: z.core.$ZodIssue, got: unknown): ErrorCode {
  if (issue.code === 'too_big' || issue.code === 'too_small' || issue.code === 'custom') return 'out_of_range'
  // A union of list shapes reports no range of its own; a value of the right kind that failed is out of range.
  if (issue.code === 'invalid_union')
    return typeof got === 'object' && got !== null ? 'out_of_range' : 'invalid_type'
  return issue.code === 'invalid_type' ? 'invalid_type' : 'out_of_range'
}

/** A value as a client may see it again: short, and a kind rather than contents for anything nested. */
function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  // JSON numbers beyond a double's range are read as infinity, which JSON cannot write.
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
