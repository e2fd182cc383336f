import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const module = fileURLToPath(new URL('./stop-with-parent.mjs', import.meta.url))
/** Says its name, and what ends it, on a stdout that outlives its parent. */
const child = `
  import('${module}').then(({ stopWithParent }) => {
    stopWithParent(20)
    process.on('SIGTERM', () => { console.log('SIGTERM'); process.exit() })
    setInterval(() => {}, 1000)
    console.log('started')
  })`
const spawnChild = `
  require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' })`
/** As npm does: a shell that waits for its command. */
const spawnShell = `
  require('node:child_process').spawn('sh', ['-c', '"$0" -e "$1"; true', process.execPath, ${JSON.stringify(child)}],
    { stdio: 'inherit' })`

test.each([
  ['a process', spawnChild],
  ['a process behind a shell', spawnShell],
])('%s whose starter was killed is told to stop', async (_name, parent) => {
  const started = spawn(process.execPath, ['-e', parent], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  started.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (said === 'started\n') started.kill('SIGKILL')
  })
  await once(started.stdout, 'close')
  expect(said).toBe('started\nSIGTERM\n')
})
