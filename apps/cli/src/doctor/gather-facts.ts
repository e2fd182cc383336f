import { availableParallelism, cpus, freemem, totalmem } from 'node:os'
import { type CudaStatus, cpuIsa, cudaStatus, Device, type ListedDevice, listDevices } from '@trtllm/kernels'
import { openCheckpoint, resolveModel } from '@trtllm/models/checkpoint'
import { loadTokenizer } from '@trtllm/text'
import type { DTypeName } from 'trtllm'
import { planModelMemory } from '../plan/plan-model-memory.js'
import type { Facts, ModelFacts, Wanted } from './facts.js'
import {
  glibcVersion,
  hubCache,
  isContainer,
  kernelDriver,
  nextFreePort,
  nvccVersion,
  nvidiaNodes,
  nvidiaOnBus,
  portProblem,
  serverVersion,
} from './probe-system.js'

type Environment = Readonly<Record<string, string | undefined>>

/** Looks at this machine. Never throws for what it finds: what is broken is a fact. */
export async function gatherFacts(wanted: Wanted, environment: Environment): Promise<Facts> {
  const addon = addonFacts()
  const cuda = addon.isa && attempt(cudaStatus).value
  const devices = (addon.isa && attempt(listDevices).value) ?? []
  const backend = addon.isa ? backendOf(wanted.device, devices) : { error: 'there is no native addon' }
  const model = await modelFacts(wanted.model)
  const { CUDA_VISIBLE_DEVICES: visible } = environment
  const [driver, nvcc] = [kernelDriver(), await nvccVersion(environment)]
  return {
    wanted,
    system: systemFacts(environment, devices),
    addon,
    gpu: {
      onBus: nvidiaOnBus(),
      nodes: nvidiaNodes(),
      ...(driver !== undefined && { kernelDriver: driver }),
      ...(visible !== undefined && { visible }),
      ...(nvcc !== undefined && { nvcc }),
    },
    ...(cuda && { cuda: cuda satisfies CudaStatus }),
    devices,
    backend,
    model,
    memory: model.found && backend.device ? await memoryFacts(wanted, backend.device) : {},
    port: await portFacts(wanted.port),
    hub: await hubCache(environment),
    environment,
  }
}

/** The value of `work`, or the message of what it threw. */
function attempt<T>(work: () => T): { value?: T; error?: string } {
  try {
    return { value: work() }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

function addonFacts(): Facts['addon'] {
  const { value, error } = attempt(cpuIsa)
  return value ? { isa: value } : { error: error ?? 'not found' }
}

function systemFacts(environment: Environment, devices: readonly ListedDevice[]): Facts['system'] {
  const glibc = glibcVersion()
  const cores = cpus()
  // The addon knows of the limits of a container.
  const own = devices.find(({ kind }) => kind === 'cpu')
  return {
    platform: process.platform,
    arch: process.arch,
    node: process.versions.node,
    ...(glibc !== undefined && { glibc }),
    isContainer: isContainer(environment),
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    usableCores: availableParallelism(),
    totalBytes: own?.totalBytes ?? totalmem(),
    freeBytes: own?.freeBytes ?? freemem(),
  }
}

/** What the engine would open, as it chooses. */
function backendOf(device: string, devices: readonly ListedDevice[]): Facts['backend'] {
  const first = devices.find(({ kind, ordinal }) => kind === 'cuda' && ordinal === 0)
  const name = device !== 'auto' ? device : first ? 'cuda' : 'cpu'
  const { error } = attempt(() => Device.open(name).dispose())
  return error === undefined ? { device: name } : { error }
}

async function modelFacts(path: string): Promise<Facts['model']> {
  try {
    const directory = await resolveModel(path, { offline: true })
    using checkpoint = await openCheckpoint(directory)
    loadTokenizer(directory)[Symbol.dispose]()
    const { name, architecture, dtype } = checkpoint.model
    const tensors = [...checkpoint.tensors.values()]
    const found: ModelFacts = {
      name,
      architecture,
      parameters: tensors.reduce(
        (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
        0,
      ),
      tensors: tensors.length,
      ...(dtype && { dtype }),
    }
    return { found }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

async function memoryFacts({ model, dtype }: Wanted, device: string): Promise<Facts['memory']> {
  try {
    const load = { device, dtype: dtype as DTypeName }
    const directory = await resolveModel(model, { offline: true })
    const { refusal, compiled, offer } = await planModelMemory({ model: directory, load, ranks: 1 })
    if (refusal !== undefined) return { error: refusal }
    const { weightsBytes, arenaBytes, stateBytes, stepBytes } = compiled.memory
    return { needBytes: weightsBytes + arenaBytes + stateBytes + 2 * stepBytes, freeBytes: offer.freeBytes }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

async function portFacts(port: number): Promise<Facts['port']> {
  const problem = await portProblem(port)
  if (problem === undefined) return {}
  const [nextFree, server] = [await nextFreePort(port), await serverVersion(port)]
  return {
    problem,
    ...(nextFree !== undefined && { nextFree }),
    ...(server !== undefined && { server }),
  }
}
