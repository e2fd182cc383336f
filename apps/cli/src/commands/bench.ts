import type { Command } from '../command.js'
import { configureBenchHost } from './bench-host.js'
import { configureBenchKernels } from './bench-kernels.js'
import { configureBenchReport } from './bench-report.js'
import { configureBench } from './bench-requests.js'
import { configureBenchServe } from './bench-serve.js'
import { configureBenchStartup, configureFirstToken } from './bench-startup.js'

/** `trtllm bench`: how fast a model runs. */
export const bench: Command = {
  name: 'bench',
  summary: 'Measure how fast a model runs: throughput of many requests, or latency of one at a time.',
  example: 'bench throughput --model ./model --isl 128 --osl 128 --num-requests 64',
  configure(program, cli) {
    configureBench(program.command('throughput'), cli, false)
    configureBench(program.command('latency'), cli, true)
    configureBenchServe(program.command('serve'), cli)
    configureBenchHost(program.command('host'), cli)
    configureBenchKernels(program.command('kernels'), cli)
    configureBenchStartup(program.command('startup'), cli)
    configureBenchReport(program.command('report'), cli)
    configureFirstToken(program.command('first-token', { hidden: true }), cli)
  },
}
