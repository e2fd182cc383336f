import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { TrtllmError } from '@trtllm/kernels'
import type { Command as Program } from 'commander'
import { findResults } from '../bench/report/found-results.js'
import { renderResults } from '../bench/report/render-results.js'
import type { Cli } from '../command.js'

/** `trtllm bench report`: files of results as pages with charts. */
export function configureBenchReport(program: Program, cli: Cli): void {
  program
    .description('Render files that --json wrote as Markdown pages with charts.')
    .argument('<files...>', 'JSON of bench throughput, latency, serve and kernels, one run or many in a file')
    .option('--out <folder>', 'where pages and charts go', 'docs/benchmarks')
    .action(
      cli.run((files: string[], { out }: { out: string }) => {
        for (const file of files) cli.stdout.write(`${report(file, out)}\n`)
        return 0
      }),
    )
}

/** @returns the page. @throws TrtllmError bad_flag where the file has no results. */
function report(file: string, out: string): string {
  const name = basename(file, '.json')
  const found = findResults(read(file), name)
  if (found.cells.length + found.kernels.length === 0)
    throw new TrtllmError('bad_flag', `${file} has no results of bench throughput, latency, serve or kernels`)
  mkdirSync(out, { recursive: true })
  for (const [path, text] of renderResults(name, found)) writeFileSync(join(out, path), text)
  return join(out, `${name}.md`)
}

function read(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new TrtllmError('bad_flag', `${file}: cannot be read as JSON: ${(error as Error).message}`)
  }
}
