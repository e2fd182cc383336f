#!/usr/bin/env node
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `trtllm: needs Node 20.19 or newer; this is ${process.version}: install it from https://nodejs.org`,
  )
  process.exit(69)
}
const { main } = await import('../dist/main.js')
process.exit(await main(process.argv.slice(2)))
