#!/usr/bin/env node
// `trtllm-bench throughput` is `trtllm bench throughput`; a benchmark that starts itself anew says `bench` already.
if (!['bench', '-v', '--version'].includes(process.argv[2])) process.argv.splice(2, 0, 'bench')
await import('./trtllm.mjs')
