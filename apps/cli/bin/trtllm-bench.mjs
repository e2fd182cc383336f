#!/usr/bin/env node
// `trtllm-bench throughput` is `trtllm bench throughput`; a benchmark that starts itself anew says `bench` already.
const first = process.argv[2]
if (first !== 'bench' && first !== '-v' && first !== '--version') process.argv.splice(2, 0, 'bench')
await import('./trtllm.mjs')
