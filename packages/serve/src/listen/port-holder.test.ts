import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { bindAddress, bindError, checkExposure, isLoopback } from './port-errors.js'
import { canBind, listeningInodes, nextFreePort } from './port-holder.js'

async function listening<Result>(work: (port: number) => Promise<Result>): Promise<Result> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    return await work((server.address() as AddressInfo).port)
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}

describe('a port in use', () => {
  test('is told with its holder and the next free port, exit 71', async () => {
    await listening(async (port) => {
      expect(await canBind('127.0.0.1', port)).toBe(false)
      const free = await nextFreePort('127.0.0.1', port)
      const error = await bindError({ code: 'EADDRINUSE' }, '127.0.0.1', port)
      expect(error.exitCode).toBe(71)
      expect(error.message).toContain(`Port ${port} on 127.0.0.1 is in use by process ${process.pid} (`)
      expect(error.message).toContain(`port ${free} is free: use --port ${free}.`)
    })
  })

  test('the table of sockets is read by state and port', () => {
    const table = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      '   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1',
      '   1: 0100007F:1F40 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4712 1',
      '   2: 0100007F:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1',
    ].join('\n')
    expect(listeningInodes(table, 8000)).toEqual(['4711'])
  })
})

describe('exposure', () => {
  test.each(['localhost', '127.0.0.1', '127.8.8.8', '::1'])('%s needs no key', (host) => {
    expect(isLoopback(host)).toBe(true)
    checkExposure(host, false, false)
  })

  test.each(['0.0.0.0', '::', '192.168.1.5', 'example.org', '127.evil.com'])('%s needs a key', (host) => {
    expect(() => checkExposure(host, false, false)).toThrow(
      `--host ${host} would offer this server to other machines`,
    )
    checkExposure(host, true, false)
    checkExposure(host, false, true)
  })

  test('localhost is IPv4 loopback', () => expect(bindAddress('localhost')).toBe('127.0.0.1'))
})
