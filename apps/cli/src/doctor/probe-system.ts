import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { access, constants, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** The text of a small file; empty where it cannot be read. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

const namesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : [])

/** NVIDIA display devices (class 03) on the PCI bus. */
export function nvidiaOnBus(folder = '/sys/bus/pci/devices'): number {
  const isGpu = (name: string) =>
    textOf(join(folder, name, 'vendor')).trim() === '0x10de' &&
    textOf(join(folder, name, 'class')).startsWith('0x03')
  return namesIn(folder).filter(isGpu).length
}

/** Device files through which GPUs are used; /dev/dxg is that of WSL. */
export const nvidiaNodes = (folder = '/dev'): string[] =>
  namesIn(folder).filter((name) => /^(nvidia\d+|dxg)$/.test(name))

/** Version of the loaded NVIDIA kernel module. */
export const kernelDriver = (file = '/proc/driver/nvidia/version'): string | undefined =>
  /\s(\d+\.\d+(?:\.\d+)*)\s/.exec(textOf(file))?.[1]

/** Whether this process runs in a container, by the marks that runtimes leave. */
export const isContainer = (environment: Environment): boolean =>
  existsSync('/.dockerenv') ||
  existsSync('/run/.containerenv') ||
  environment.KUBERNETES_SERVICE_HOST !== undefined ||
  /docker|kubepods|containerd|libpod/.test(textOf('/proc/1/cgroup'))

/** Version of glibc; absent with another C library. */
export function glibcVersion(): string | undefined {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined
  return report?.header?.glibcVersionRuntime
}

/** Version of the CUDA compiler that a build would find. */
export async function nvccVersion(environment: Environment): Promise<string | undefined> {
  const folders = [environment.CUDA_HOME, environment.CUDA_PATH, '/usr/local/cuda']
  const files = ['nvcc', ...folders.flatMap((folder) => (folder ? [join(folder, 'bin', 'nvcc')] : []))]
  for (const file of files) {
    const version = /release (\d+\.\d+)/.exec(await outputOf(file, ['--version']))?.[1]
    if (version !== undefined) return version
  }
  return undefined
}

const outputOf = (file: string, args: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    execFile(file, args, { timeout: 5000 }, (error, stdout) => resolve(error ? '' : stdout))
  })

/** Why a server could not listen on a port of localhost now: the system's error code. */
export async function portProblem(port: number): Promise<string | undefined> {
  const probe = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject)
      probe.listen({ host: '127.0.0.1', port, exclusive: true }, resolve)
    })
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown'
  } finally {
    await new Promise((resolve) => probe.close(resolve))
  }
}

/** The next port that a server could listen on, if one of the next hundred is free. */
export async function nextFreePort(port: number): Promise<number | undefined> {
  for (let next = port + 1; next <= Math.min(65_535, port + 100); next++)
    if ((await portProblem(next)) === undefined) return next
  return undefined
}

/** The version that a server of ours on a port of localhost answers with. */
export async function serverVersion(port: number): Promise<string | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/version`, { signal: AbortSignal.timeout(1000) })
    const { version } = (await response.json()) as { version?: unknown }
    return typeof version === 'string' ? version : undefined
  } catch {
    return undefined
  }
}

/** The folder that hub models are kept in, and what can be done there. */
export async function hubCache(environment: Environment) {
  const home =
    environment.HF_HOME || join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface')
  const cache = environment.HF_HUB_CACHE || join(home, 'hub')
  // It is made on first use: what counts is the nearest folder that is there.
  let folder = cache
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder)
  const room = await statfs(folder).catch(() => undefined)
  return {
    cache,
    isWritable: await access(folder, constants.W_OK).then(
      () => true,
      () => false,
    ),
    isOffline: /^(1|on|yes|true)$/i.test(environment.HF_HUB_OFFLINE ?? ''),
    ...(room && { freeBytes: room.bavail * room.bsize }),
  }
}
