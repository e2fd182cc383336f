import { type Logger, pino } from 'pino'

/**
 * A logger on stderr: lines for people on a terminal, JSON lines elsewhere or when asked for. Lines that cannot be written
 * are lost, and nothing else is: pino's own destination would try for ever at the end of the process.
 */
export function createLog(level: string, format: 'auto' | 'text' | 'json'): Logger {
  const asText = format === 'text' || (format === 'auto' && process.stderr.isTTY === true)
  const write = (line: string) => void process.stderr.write(asText ? textLine(line) : line)
  return pino({ level, base: null }, { write })
}

/** "12:04:31 warn  message key=value" of one JSON log line. */
export function textLine(line: string): string {
  const { level, time, msg, err, ...rest } = JSON.parse(line) as Record<string, unknown>
  const name = pino.levels.labels[level as number] ?? 'info'
  const clock = new Date(time as number).toTimeString().slice(0, 8)
  const reason = (err as { message?: string } | undefined)?.message
  const pairs = Object.entries({ ...rest, ...(reason === undefined ? {} : { error: reason }) })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return `${clock} ${name.padEnd(5)} ${msg ?? ''}${pairs.join('')}\n`
}
