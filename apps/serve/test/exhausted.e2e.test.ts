import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'

const bin = fileURLToPath(new URL('../bin/trtllm-serve.mjs', import.meta.url))
const patience = { timeout: 30_000, interval: 50 }

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const complete = (url: string) =>
  fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    // A field that nobody knows makes the server write a line.
    body: JSON.stringify({ prompt: 'Once upon a time', max_tokens: 4, [`unknown${Math.random()}`]: 1 }),
  })

/** Runs a server of this shell line, whose output goes to `outputFile`, until it has ended by SIGTERM. */
async function serving(
  line: (command: string) => string,
  outputFile: string,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const output = openSync(outputFile, 'w')
  const command = line(`exec ${process.execPath} ${bin} --device cpu --port ${port}`)
  const child = spawn('bash', ['-c', command], { stdio: ['ignore', output, output] })
  closeSync(output)
  const exit = once(child, 'exit')
  try {
    await vi.waitFor(async () => {
      if (child.exitCode !== null) return
      expect((await fetch(`${url}/health`)).status).toBe(200)
    }, patience)
    expect(child.exitCode).toBeNull()
    await work(url)
    child.kill('SIGTERM')
    expect(await exit).toEqual([0, null])
  } finally {
    child.kill('SIGKILL')
  }
}

test.runIf(process.platform === 'linux')(
  'a disk without room for a word of its output',
  async () => {
    await serving(
      (command) => command,
      '/dev/full',
      async (url) => {
        for (let i = 0; i < 20; i++) expect((await complete(url)).status).toBe(200)
      },
    )
  },
  60_000,
)

test.runIf(process.platform === 'linux')(
  'more connections than the process may have files',
  async () => {
    await serving(
      (command) => `ulimit -n 200; ${command}`,
      '/dev/null',
      async (url) => {
        const connections: Socket[] = []
        for (let i = 0; i < 400; i++) {
          const socket = connect(Number(new URL(url).port), '127.0.0.1')
          socket.on('error', () => {})
          connections.push(socket)
        }
        await Promise.all(connections.slice(0, 100).map((socket) => once(socket, 'connect')))
        for (const socket of connections) socket.destroy()
        await vi.waitFor(async () => expect((await complete(url)).status).toBe(200), patience)
      },
    )
  },
  60_000,
)
