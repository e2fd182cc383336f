import { exitCodeOf, TrtllmError } from '@trtllm/kernels'
import { describe, expect, it } from 'vitest'
import { Supervisor } from './supervisor.js'
import { collect, HostedFake } from './testing/hosted-fake.js'
import { ManualClock } from './testing/manual-clock.js'

function bench(loadErrors: readonly (Error | undefined)[] = []) {
  const clock = new ManualClock()
  const fakes: HostedFake[] = []
  const fatal: TrtllmError[] = []
  const supervisor = new Supervisor(
    () => {
      const loadError = loadErrors[fakes.length]
      const fake = new HostedFake({ clock, ...(loadError && { loadError }) })
      fakes.push(fake)
      return fake.client
    },
    { clock },
  )
  supervisor.on('fatal', (error) => fatal.push(error))
  supervisor.ready.catch(() => {})
  const settle = () => fakes.at(-1)!.settle()
  return { supervisor, fakes, fatal, clock, settle }
}

describe('supervisor', () => {
  it('starts a new engine when one dies, and fails only what was in flight', async () => {
    const { supervisor, fakes, settle } = bench()
    await settle()
    const outputs = collect(supervisor, fakes[0]!.request('a', { maxTokens: 50 }))
    await Promise.resolve()
    fakes[0]!.ports.crash('was killed by SIGKILL')
    await settle()
    expect((await outputs).at(-1)?.finish?.error?.code).toBe('engine_died')
    expect(fakes.length).toBe(2)
    expect(supervisor.isReady).toBe(true)
    const again = collect(supervisor, fakes[1]!.request('a'))
    await settle()
    expect((await again).at(-1)?.finish?.reason).toBe('length')
  })

  it('gives up at the fourth death within five minutes', async () => {
    const { supervisor, fakes, fatal, settle } = bench()
    await settle()
    for (let death = 1; death <= 4; death++) {
      expect(fatal).toEqual([])
      fakes.at(-1)!.ports.crash('was killed by SIGSEGV')
      await settle()
    }
    expect(fakes.length).toBe(4)
    expect(fatal.map((error) => [error.code, exitCodeOf(error)])).toEqual([['engine_fault', 70]])
    expect(supervisor.isReady).toBe(false)
    await expect(collect(supervisor, fakes[0]!.request('a'))).rejects.toThrow('died 4 times in 300 s')
  })

  it('forgets deaths older than five minutes', async () => {
    const { supervisor, fakes, fatal, clock, settle } = bench()
    await settle()
    for (let death = 1; death <= 8; death++) {
      fakes.at(-1)!.ports.crash('was killed by SIGSEGV')
      await settle()
      clock.jump(120_000)
      await settle()
    }
    expect(fatal).toEqual([])
    expect(supervisor.isReady).toBe(true)
  })

  it('does not try a model again that never loaded', async () => {
    const { supervisor, fakes, fatal, settle } = bench([new TrtllmError('bad_checkpoint', 'no config.json')])
    await settle()
    await expect(supervisor.ready).rejects.toMatchObject({ code: 'bad_checkpoint' })
    expect(fakes.length).toBe(1)
    expect(fatal.map(({ code }) => code)).toEqual(['bad_checkpoint'])
  })

  it('refuses requests while a new engine loads', async () => {
    const { supervisor, fakes, clock, settle } = bench()
    await settle()
    fakes[0]!.ports.crash('was killed by SIGSEGV')
    clock.runSoon()
    expect(fakes.length).toBe(2)
    expect(supervisor.isReady).toBe(false)
    await expect(collect(supervisor, fakes[1]!.request('a'))).rejects.toThrow('a new one is being started')
    await settle()
    expect(supervisor.isReady).toBe(true)
  })

  it('starts none after close', async () => {
    const { supervisor, fakes, settle } = bench()
    await settle()
    const closed = supervisor.close({ drain: true })
    await settle()
    await closed
    expect(fakes.length).toBe(1)
  })
})
