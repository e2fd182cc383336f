import { readdirSync, readFileSync } from 'node:fs'

/** Ticks of Linux's process times in a second. */
const ticksPerSecond = 100

interface ProcessStat {
  readonly parent: number
  readonly seconds: number
}

/** Parent and processor time of a process; undefined for one that is not there, or where there is no /proc. */
function statOf(pid: number): ProcessStat | undefined {
  try {
    // The name is in parentheses and may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return { parent: Number(fields[1]), seconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond }
  } catch {
    return undefined
  }
}

/** Processor seconds that a server's front side and its engine, a child process, have used so far. */
export function serverSeconds(pid: number): { front: number; engine: number } | undefined {
  const front = statOf(pid)
  if (!front) return undefined
  const others = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const children = others.map((name) => statOf(Number(name))).filter((stat) => stat?.parent === pid)
  return { front: front.seconds, engine: children.reduce((sum, stat) => sum + stat!.seconds, 0) }
}
