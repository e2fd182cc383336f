import { nextFreePort, portHolder } from './port-holder.js'

/** A start-up failure that ends the process with `exitCode`. */
export class StartError extends Error {
  readonly exitCode: number

  constructor(exitCode: number, message: string) {
    super(message)
    this.name = 'StartError'
    this.exitCode = exitCode
  }
}

/** True for addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** The address to bind for a --host value: the name localhost means IPv4 loopback. */
export const bindAddress = (host: string) => (host === 'localhost' ? '127.0.0.1' : host)

/** Refuses to show an open server to the network. @throws StartError 64 with the remedy. */
export function checkExposure(host: string, hasKey: boolean, allowUnauthenticated: boolean): void {
  if (isLoopback(host) || hasKey || allowUnauthenticated) return
  throw new StartError(
    64,
    `--host ${host} would offer this server to other machines without a key; set --api-key (or TRTLLM_API_KEY), ` +
      'or say --allow-unauthenticated if that is meant.',
  )
}

/** The StartError for a failed bind: 71 with the holder and a free port when in use, 64 for an address we do not have. */
export async function bindError(error: unknown, host: string, port: number): Promise<StartError> {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    const holder = (await portHolder(port)) ?? 'another process'
    const free = await nextFreePort(host, port)
    const remedy = free === undefined ? 'choose another --port' : `port ${free} is free: use --port ${free}`
    return new StartError(71, `Port ${port} on ${host} is in use by ${holder}; ${remedy}.`)
  }
  if (code === 'EACCES')
    return new StartError(71, `Port ${port} needs more rights than this user has; use --port 8000.`)
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new StartError(64, `--host ${host} is not an address of this machine; use 127.0.0.1 or 0.0.0.0.`)
  return new StartError(71, `Cannot listen on ${host} port ${port}: ${message}`)
}
