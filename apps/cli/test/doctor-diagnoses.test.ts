import { describe, expect, it } from 'vitest'
import { diagnose, diagnoses } from '../src/doctor/diagnoses.js'
import { isOlder, questions } from '../src/doctor/diagnosis.js'
import { testCases } from './doctor-cases.js'
import { healthy, machine, noCuda, unused } from './machines.js'

describe('doctor', () => {
  it('finds nothing on a healthy machine', () => {
    expect(diagnose(healthy).filter(({ verdict }) => verdict !== 'ok')).toEqual([])
  })

  it('has a diagnosis for every frequent question, and names of their own', () => {
    const answered = new Set(diagnoses.flatMap((one) => one.questions))
    expect([...answered].sort()).toEqual(Object.keys(questions).sort())
    expect(new Set(diagnoses.map(({ name }) => name)).size).toBe(diagnoses.length)
  })

  it('is well on a machine without a GPU', () => {
    const facts = machine({
      gpu: { onBus: 0, nodes: [], kernelDriver: undefined },
      cuda: { ...noCuda, built: false, driver: undefined, libraries: [] },
      ...unused,
    })
    expect(diagnose(facts).filter(({ verdict }) => verdict !== 'ok')).toEqual([])
  })

  testCases([
    ['Node is too old', machine({ system: { node: '18.20.4' } }), 'node', 'fail', /18\.20\.4/, /20\.19/],
    [
      'glibc is too old, the addon is not',
      machine({ system: { glibc: '2.31' } }),
      'C library',
      'warn',
      /glibc 2\.31/,
      /2\.34/,
    ],
    [
      'glibc is too old for the addon',
      machine({
        system: { glibc: '2.31' },
        addon: { isa: undefined, error: "version `GLIBC_2.34' not found" },
      }),
      'native addon',
      'fail',
      /GLIBC_2\.34/,
      /built for a newer system/,
    ],
    [
      'musl without an addon',
      machine({ system: { glibc: undefined }, addon: { isa: undefined } }),
      'C library',
      'fail',
      /without glibc/,
      /Debian 12/,
    ],
    [
      'the addon is not installed in a container',
      machine({ addon: { isa: undefined, error: 'no native build' }, system: { isContainer: true } }),
      'native addon',
      'fail',
      /no native build/,
      /install @trtllm\/kernels-linux-x64.*in a container/,
    ],
    [
      'an old processor',
      machine({ addon: { isa: { best: 'scalar', all: ['scalar'] } } }),
      'CPU',
      'warn',
      /scalar/,
      /AVX2/,
    ],
    [
      'a forgotten override',
      machine({ environment: { TRTLLM_CPU_ISA: 'scalar' } }),
      'CPU',
      'warn',
      /TRTLLM_CPU_ISA=scalar/,
      /unset TRTLLM_CPU_ISA/,
    ],
    ['few cores', machine({ system: { usableCores: 2 } }), 'CPU', 'warn', /2 of 16 cores/, /CPU limit/],
    ['no RAM', machine({ system: { freeBytes: 5e8 } }), 'RAM', 'warn', /0\.5 GiB free/, /memory limit/],
    ['f32 weights', machine({ wanted: { dtype: 'float32' } }), 'speed', 'warn', /twice the bytes/, /bf16/],
    [
      'a missing shard',
      machine({ model: { found: undefined, error: 'model-00002-of-00002.safetensors: not found' } }),
      'model',
      'fail',
      /model-00002/,
      /trtllm pull/,
    ],
    [
      'a truncated file',
      machine({
        model: {
          found: undefined,
          error:
            'tensor model.embed_tokens.weight ends at byte 9 but the file has 8: truncated; download it again',
        },
      }),
      'model',
      'fail',
      /truncated/,
      /delete the damaged file, then .*trtllm pull/,
    ],
    [
      'a quantized checkpoint',
      machine({
        model: { found: undefined, error: 'config.json: quantization_config awq is not supported' },
      }),
      'model',
      'fail',
      /awq/,
      /unquantized/,
    ],
    [
      'a model that does not fit',
      machine({ memory: { error: 'cuda: need 810.00 GiB, have 139.00 GiB free' } }),
      'model memory',
      'fail',
      /need 810/,
      /smaller batch or context/,
    ],
    [
      'a cache that cannot be written to',
      machine({ hub: { isWritable: false } }),
      'model cache',
      'warn',
      /not writable/,
      /HF_HOME/,
    ],
    ['a full disk', machine({ hub: { freeBytes: 1e9 } }), 'model cache', 'warn', /0\.9 GiB free/, /HF_HOME/],
    [
      'f16 for a bf16 checkpoint',
      machine({ wanted: { dtype: 'f16' } }),
      'accuracy',
      'warn',
      /overflow/,
      /bf16/,
    ],
    [
      'a port in use',
      machine({ port: { problem: 'EADDRINUSE', nextFree: 8001 } }),
      'port',
      'fail',
      /8000 is in use/,
      /trtllm-serve --port 8001/,
    ],
    [
      'a port for root',
      machine({ wanted: { port: 80 }, port: { problem: 'EACCES' } }),
      'port',
      'fail',
      /80 cannot be listened on \(EACCES\)/,
      /below 1024/,
    ],
    [
      'a server that runs already',
      machine({ port: { problem: 'EADDRINUSE', nextFree: 8001, server: '0.1.0' } }),
      'port',
      'warn',
      /trtllm-serve 0\.1\.0 answers on 8000/,
      /--port 8001/,
    ],
    [
      'the localhost of a container',
      machine({ system: { isContainer: true } }),
      'address',
      'warn',
      /container/,
      /docker run -p 8000:8000.*--host 0\.0\.0\.0/,
    ],
  ])

  it.each([
    ['580', '580', false],
    ['580.65.06', '580', false],
    ['575.51', '580', true],
    ['2.4', '2.34', true],
    ['20.19.0', '20.19.0', false],
    ['20.2.0', '20.19.0', true],
  ])('%s is older than %s: %s', (a, b, expected) => {
    expect(isOlder(a, b)).toBe(expected)
  })
})
