import { readdir, readFile, readlink } from 'node:fs/promises'
import { createServer } from 'node:net'

const listening = '0A'

/**
 * Who listens on a TCP port of this machine, as far as the kernel lets us see: "process 42 (node app.js)", or undefined
 * when the holder belongs to somebody else or the system has no /proc.
 */
export async function portHolder(port: number, proc = '/proc'): Promise<string | undefined> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`${proc}/net/${name}`, 'utf8').catch(() => '')),
  )
  const inodes = tables.flatMap((table) => listeningInodes(table, port))
  if (inodes.length === 0) return undefined
  const wanted = new Set(inodes.map((inode) => `socket:[${inode}]`))
  for (const pid of (await readdir(proc).catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    for (const fd of await readdir(`${proc}/${pid}/fd`).catch(() => [])) {
      if (!wanted.has(await readlink(`${proc}/${pid}/fd/${fd}`).catch(() => ''))) continue
      const command = (await readFile(`${proc}/${pid}/cmdline`, 'utf8').catch(() => ''))
        .split('\0')
        .join(' ')
        .trim()
      return `process ${pid} (${command.slice(0, 80) || 'name unknown'})`
    }
  }
  return undefined
}

/** Inodes of listening sockets on `port` in the text of /proc/net/tcp. */
export function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(suffix) && columns[3] === listening)
    .map((columns) => columns[9]!)
}

/** True when `port` of `host` can be bound now. @throws any failure but "in use". */
export async function canBind(host: string, port: number): Promise<boolean> {
  const probe = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject)
      probe.listen({ host, port, exclusive: true }, resolve)
    })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  } finally {
    await new Promise((resolve) => probe.close(resolve))
  }
}

/** The next port after `port` that can be bound, if one of the next hundred can. */
export async function nextFreePort(host: string, port: number): Promise<number | undefined> {
  for (let next = port + 1; next <= Math.min(65_535, port + 100); next++)
    if (await canBind(host, next)) return next
  return undefined
}
