import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { badTokenizer } from './bad-tokenizer.js'
import type { TemplateSource } from './chat-template.js'
import { isObject, type JsonObject, readText, show } from './json-file.js'

/**
 * Where a model's chat templates stand, the first that exists: `override` (a file, or the text of a template),
 * chat_template.jinja with additional_chat_templates/*.jinja, tokenizer_config.json.
 * @throws TrtllmError bad_tokenizer for a file that is not there or a member of the wrong kind.
 */
export function templateSources(
  directory: string,
  config: JsonObject,
  override: string | undefined,
): TemplateSource[] {
  if (override !== undefined) return [overriding(override)]
  const file = join(directory, 'chat_template.jinja')
  const additional = join(directory, 'additional_chat_templates')
  const sources = existsSync(file) ? [{ name: 'default', text: readText(file), origin: file }] : []
  const names = existsSync(additional)
    ? readdirSync(additional).filter((name) => name.endsWith('.jinja'))
    : []
  for (const name of names) {
    const origin = join(additional, name)
    sources.push({ name: name.slice(0, -'.jinja'.length), text: readText(origin), origin })
  }
  return sources.length > 0 ? sources : fromConfig(join(directory, 'tokenizer_config.json'), config)
}

function overriding(override: string): TemplateSource {
  if (existsSync(override)) return { name: 'default', text: readText(override), origin: override }
  if (override.includes('{{') || override.includes('{%'))
    return { name: 'default', text: override, origin: 'the option chatTemplate' }
  throw badTokenizer(
    `chat template ${override}: no such file; expected a file or the text of a Jinja template`,
  )
}

function fromConfig(file: string, { chat_template: found }: JsonObject): TemplateSource[] {
  const origin = `${file}: chat_template`
  if (found === undefined || found === null) return []
  if (typeof found === 'string') return [{ name: 'default', text: found, origin }]
  const entries = Array.isArray(found)
    ? found.map((item: unknown) => (isObject(item) ? [item.name, item.template] : [undefined, undefined]))
    : isObject(found)
      ? Object.entries(found)
      : [[undefined, undefined]]
  return entries.map(([name, text]) => {
    if (typeof name === 'string' && typeof text === 'string')
      return { name, text, origin: `${origin} '${name}'` }
    throw badTokenizer(`${origin} must be a template or a list of {name, template}, found ${show(found)}`)
  })
}
