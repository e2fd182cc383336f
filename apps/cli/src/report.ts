import { statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { TrtllmError } from '@trtllm/kernels'
import { Option } from 'commander'
import type { TextOutput } from './command.js'

/** Where a command's report goes. Bare `--json` and `--json -` print it, and nothing else, to stdout. */
export type JsonFlag = string | true | undefined

/** Whether JSON takes the place of the text on stdout. */
export const isJsonOnly = (json: JsonFlag): boolean => json === true || json === '-'

/** `--json [file]`. */
export const jsonFlag = (): Option =>
  new Option('--json [file]', 'write the report to a file; without one, print it instead of the text')

/** Before long work: refuses a report that could not be written. @throws TrtllmError bad_flag. */
export function checkJsonFlag(json: JsonFlag): void {
  if (json === undefined || isJsonOnly(json)) return
  const folder = dirname(resolve(json as string))
  const isFolder = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false
  if (!isFolder) throw new TrtllmError('bad_flag', `--json ${json}: ${folder} is no folder; make it first`)
  if (statSync(json as string, { throwIfNoEntry: false })?.isDirectory())
    throw new TrtllmError('bad_flag', `--json ${json}: is a folder; expected a file name`)
}

/** Gives out a report as the flag asks: as text, as JSON, or as text with the JSON in a file. */
export function giveReport(json: JsonFlag, text: string, report: object, stdout: TextOutput): void {
  const data = `${JSON.stringify(report, null, 1)}\n`
  stdout.write(isJsonOnly(json) ? data : text)
  if (json === undefined || isJsonOnly(json)) return
  try {
    writeFileSync(json as string, data)
  } catch (error) {
    throw new TrtllmError('bad_flag', `--json ${json}: cannot be written: ${(error as Error).message}`)
  }
}
