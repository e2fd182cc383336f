import { type Diagnosis, fail, gibibytes, ok, warn } from './diagnosis.js'

const backend: Diagnosis = {
  name: 'backend',
  questions: ['speed'],
  check({ wanted, backend, gpu, devices }) {
    if (backend.device === undefined)
      return fail(
        `--device ${wanted.device}: ${backend.error ?? 'cannot be opened'}`,
        'mend the lines above, or use --device cpu',
      )
    const found = `--device ${wanted.device} is ${backend.device}`
    const isIdle = devices.some(({ kind }) => kind === 'cuda') || gpu.onBus > 0 || gpu.nodes.length > 0
    if (backend.device === 'cpu' && isIdle)
      return warn(
        `${found}, though there is a GPU`,
        wanted.device === 'cpu' ? 'use --device auto' : 'mend the lines above',
      )
    return ok(found)
  },
}

const speed: Diagnosis = {
  name: 'speed',
  questions: ['speed'],
  check({ wanted, backend, devices, addon, model }) {
    const isF32 = wanted.dtype.startsWith('f') && wanted.dtype.endsWith('32')
    if (isF32) return warn('--dtype f32 reads twice the bytes of bf16', 'leave --dtype out, or use bf16')
    if (wanted.dtype === 'auto' && model.found?.dtype === 'f32')
      return warn('the checkpoint is in f32, which reads twice the bytes of bf16', 'use --dtype bf16')
    const device = devices.find(({ kind, ordinal }) => kind === 'cuda' && backend.device === nameOf(ordinal))
    if (device && device.totalBytes < 20 * 2 ** 30)
      return ok(`${device.name}: published numbers come from data-centre GPUs; this one is slower`)
    if (backend.device === 'cpu' && addon.isa && !/avx512/.test(addon.isa.best))
      return ok(
        `a CPU with ${addon.isa.best}: several times slower than one with AVX-512, and far from a GPU`,
      )
    return ok('16-bit weights, requests are batched in flight; more at once: --max-batch-size')
  },
}

const nameOf = (ordinal: number): string => (ordinal === 0 ? 'cuda' : `cuda:${ordinal}`)

const model: Diagnosis = {
  name: 'model',
  questions: ['model'],
  check({ model: { found, error = 'not read' } }) {
    if (!found) return fail(error, remedyOf(error))
    const millions = (found.parameters / 1e6).toFixed(1)
    const dtype = found.dtype ?? 'dtype not stated'
    return ok(
      `${found.name}: ${found.architecture}, ${millions} M parameters, ${dtype}, ${found.tensors} tensors`,
    )
  },
}

function remedyOf(error: string): string {
  if (/truncated|download it again/.test(error))
    return 'delete the damaged file, then fetch it again: trtllm pull <id>'
  if (/git lfs/.test(error)) return 'run "git lfs pull" in the folder of the model'
  if (/quantization_config/.test(error)) return 'use the unquantized checkpoint of the same model'
  if (/architecture|no supported/i.test(error)) return 'use a model of a supported architecture'
  if (/tokenizer|chat.?template/i.test(error))
    return 'fetch tokenizer.json of the same model: trtllm pull <id>'
  return 'check the path; fetch what is missing with: trtllm pull <id> (a broken download goes on where it stopped)'
}

const hub: Diagnosis = {
  name: 'model cache',
  questions: ['model'],
  check({ hub: { cache, isWritable, freeBytes, isOffline } }) {
    const room = freeBytes === undefined ? '' : `, ${gibibytes(freeBytes)} free`
    const found = `${cache}${room}${isOffline ? '; offline (HF_HUB_OFFLINE)' : ''}`
    if (!isWritable) return warn(`${found}; not writable`, 'set HF_HOME to a folder that may be written to')
    if (freeBytes !== undefined && freeBytes < 5 * 2 ** 30)
      return warn(found, 'models are large: free some space, or set HF_HOME to another disk')
    return ok(found)
  },
}

const memory: Diagnosis = {
  name: 'model memory',
  questions: ['memory'],
  check({ model, memory: { needBytes, freeBytes, error }, backend }) {
    if (error !== undefined)
      return fail(
        error,
        'choose one of the options in the message: smaller batch or context, bf16, or a larger device',
      )
    if (!model.found || needBytes === undefined) return ok('no model or device to judge')
    const free = freeBytes === undefined ? '' : ` of ${gibibytes(freeBytes)} free`
    return ok(
      `fits on ${backend.device ?? 'the device'}: ${gibibytes(needBytes)} without KV cache${free}; the cache is paged`,
    )
  },
}

const accuracy: Diagnosis = {
  name: 'accuracy',
  questions: ['accuracy'],
  check({ wanted, model }) {
    const own = model.found?.dtype
    if (/^f(loat)?16$/.test(wanted.dtype) && own === 'bf16')
      return warn(
        '--dtype f16 for a checkpoint in bf16: large values overflow',
        'leave --dtype out, or use bf16; check with: trtllm eval exact-match',
      )
    const small = model.found && model.found.parameters < 1e9 ? '; below 1 B parameters keep 16 bits' : ''
    return ok(`weights run in 16 or 32 bits, nothing is quantized${small}`)
  },
}

const port: Diagnosis = {
  name: 'port',
  questions: ['connect'],
  check({ wanted, port: { problem, nextFree, server } }) {
    if (problem === undefined)
      return ok(
        `${wanted.port} is free; no server runs there (trtllm-serve ends with its terminal: use nohup or systemd)`,
      )
    const free =
      nextFree === undefined
        ? 'choose another port'
        : `port ${nextFree} is free: trtllm-serve --port ${nextFree}`
    if (server !== undefined)
      return warn(`trtllm-serve ${server} answers on ${wanted.port}`, `to start another one, ${free}`)
    if (problem === 'EADDRINUSE')
      return fail(`${wanted.port} is in use`, `${free}; or end the program that holds it (ss -ltnp)`)
    return fail(
      `${wanted.port} cannot be listened on (${problem})`,
      'ports below 1024 need root: use a higher one',
    )
  },
}

const address: Diagnosis = {
  name: 'address',
  questions: ['connect'],
  check({ system, wanted }) {
    if (!system.isContainer)
      return ok(
        'the server listens on localhost; --host 0.0.0.0 --api-key KEY opens it to other machines (mind the firewall)',
      )
    return warn(
      'this is a container: its localhost cannot be reached from outside',
      `publish the port (docker run -p ${wanted.port}:${wanted.port}) and serve with --host 0.0.0.0 --api-key KEY`,
    )
  },
}

/** What would be served, where and how. */
export const servingDiagnoses: readonly Diagnosis[] = [
  backend,
  model,
  hub,
  memory,
  speed,
  accuracy,
  port,
  address,
]
