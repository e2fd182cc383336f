import { TrtllmError } from '@trtllm/kernels'
import { describe, expect, it } from 'vitest'
import { collect, HostedFake } from './testing/hosted-fake.js'
import { referenceStream } from './testing/reference-stream.js'
import type { PackedOutputs } from './turn-outputs.js'

const tokensOf = (outputs: Awaited<ReturnType<typeof collect>>) =>
  outputs.flatMap(({ tokens }) => [...tokens])

describe('engine client and host', () => {
  it('loads, says so, and streams', async () => {
    const fake = new HostedFake()
    const stages: string[] = []
    fake.client.on('loading', (stage) => stages.push(stage))
    const request = fake.request('a')
    const outputs = collect(fake.client, request)
    await fake.settle()
    expect((await fake.client.ready).name).toBe('fake')
    expect(stages).toEqual(['weights'])
    expect(tokensOf(await outputs)).toEqual(referenceStream(request, fake.model).tokens)
    expect((await outputs).filter(({ finish }) => finish).length).toBe(1)
    expect(fake.client.numInFlight).toBe(0)
    expect(fake.client.isReady).toBe(true)
  })

  it('sends at most one message a step, for all requests', async () => {
    const fake = new HostedFake()
    await fake.settle()
    const streams = ['a', 'b', 'c'].map((id, seed) => collect(fake.client, fake.request(id, { seed })))
    await fake.settle()
    await Promise.all(streams)
    const steps = fake.ports.sent.filter((message) => (message as { kind: string }).kind === 'step')
    expect(steps.length).toBeLessThanOrEqual(8)
    const told = steps.map((step) => {
      const { numbers, whole } = (step as { outputs: PackedOutputs }).outputs
      return [numbers.length, whole.map(({ id }) => id)] as const
    })
    expect(told.map(([, ended]) => ended).filter((ended) => ended.length > 0)).toEqual([['a', 'b', 'c']])
    expect(told.reduce((sum, [plain]) => sum + plain, 0)).toBe(3 * 7)
  })

  it('cancels', async () => {
    const fake = new HostedFake()
    fake.isStalled = true
    const outputs = collect(fake.client, fake.request('a', { maxTokens: 100 }))
    await fake.settle()
    fake.client.cancel('a')
    fake.resume()
    await fake.settle()
    expect((await outputs).map(({ finish }) => finish?.reason)).toEqual(['cancelled'])
    expect(fake.client.numInFlight).toBe(0)
    const stats = fake.client.stats()
    await fake.settle()
    expect((await stats).counters.finished.cancelled).toBe(1)
    expect((await stats).gauges.quiescent).toBe(true)
  })

  it('gives every request one engine_died when the engine dies', async () => {
    const fake = new HostedFake()
    const deaths: TrtllmError[] = []
    fake.client.on('died', (error) => deaths.push(error))
    await fake.settle()
    fake.isStalled = true
    const streams = ['a', 'b'].map((id) => collect(fake.client, fake.request(id)))
    const stats = fake.client.stats()
    stats.catch(() => {})
    await Promise.resolve()
    fake.ports.crash('was killed by SIGKILL')
    await fake.settle()
    for (const outputs of await Promise.all(streams)) {
      expect(outputs.map(({ finish }) => finish?.error?.code)).toEqual(['engine_died'])
      expect(outputs[0]?.finish?.usage).toEqual({ promptTokens: 3, completionTokens: 0, cachedTokens: 0 })
    }
    await expect(stats).rejects.toMatchObject({ code: 'engine_died' })
    expect(deaths.map(({ message }) => message)).toEqual(['the engine was killed by SIGKILL'])
    await expect(collect(fake.client, fake.request('c'))).rejects.toThrow('the engine is over')
  })

  it('rejects ready with the load error', async () => {
    const fake = new HostedFake({
      loadError: new TrtllmError('bad_checkpoint', 'model.safetensors is truncated'),
    })
    await fake.settle()
    await expect(fake.client.ready).rejects.toMatchObject({ code: 'bad_checkpoint', message: /truncated/ })
    expect(fake.exitCode).toBe(65)
  })

  it('ends with a fault of the device, and the requests say why', async () => {
    const fake = new HostedFake()
    fake.device.failStep(2, new TrtllmError('engine_fault', 'illegal address'))
    const outputs = collect(fake.client, fake.request('a'))
    const deaths: TrtllmError[] = []
    fake.client.on('died', (error) => deaths.push(error))
    await fake.settle()
    expect((await outputs).at(-1)?.finish?.error?.code).toBe('engine_fault')
    expect(deaths.map(({ code }) => code)).toEqual(['engine_fault'])
    expect(fake.exitCode).toBe(70)
  })

  it('drains on close', async () => {
    const fake = new HostedFake()
    const outputs = collect(fake.client, fake.request('a'))
    const closed = fake.client.close({ drain: true })
    await fake.settle()
    await closed
    expect((await outputs).at(-1)?.finish?.reason).toBe('length')
    expect(fake.exitCode).toBe(0)
  })

  it('ends an engine that does not close in time', async () => {
    const fake = new HostedFake()
    await fake.settle()
    fake.isStalled = true
    const outputs = collect(fake.client, fake.request('a'))
    await fake.settle()
    const closed = fake.client.close({ drain: true, timeoutMs: 2000 })
    await fake.pass(4500)
    await closed
    const all = await outputs
    expect(all.map(({ finish }) => finish?.error?.code)).toEqual(['server_shutdown'])
  })

  it('cuts a drain short when its time is over', async () => {
    const fake = new HostedFake()
    await fake.settle()
    fake.isStalled = true
    const outputs = collect(fake.client, fake.request('a'))
    await fake.settle()
    const closed = fake.client.close({ drain: true, timeoutMs: 2000 })
    await fake.pass(2500)
    fake.resume()
    await fake.settle()
    await closed
    expect((await outputs).at(-1)?.finish?.error?.code).toBe('server_shutdown')
    expect(fake.exitCode).toBe(0)
  })

  it('beats while idle and once a second only', async () => {
    const fake = new HostedFake()
    await fake.settle()
    await fake.pass(10_000)
    const beats = fake.ports.sent.filter((message) => (message as { kind: string }).kind === 'step')
    expect(beats.length).toBe(10)
    expect(fake.client.isReady).toBe(true)
  })

  it('is not ready after 5 s of silence and recovers when the engine answers again', async () => {
    const fake = new HostedFake()
    const changes: boolean[] = []
    fake.client.on('responsive', (isResponsive) => changes.push(isResponsive))
    await fake.settle()
    fake.ports.mute()
    await fake.pass(6500)
    expect(fake.client.isReady).toBe(false)
    fake.ports.unmute()
    await fake.settle()
    expect(fake.client.isReady).toBe(true)
    expect(changes).toEqual([false, true])
  })

  it('ends a silent engine with engine_stalled', async () => {
    const fake = new HostedFake()
    await fake.settle()
    const outputs = collect(fake.client, fake.request('a', { maxTokens: 100 }))
    fake.ports.mute()
    await fake.pass(12_000)
    expect((await outputs).at(-1)?.finish?.error?.code).toBe('engine_stalled')
  })

  it('ends an engine whose device hangs in a step', async () => {
    const fake = new HostedFake()
    await fake.settle()
    await collectAfterSettle(fake, 'first')
    fake.isStalled = true
    const outputs = collect(fake.client, fake.request('a'))
    await fake.pass(15_000)
    expect((await outputs).at(-1)?.finish?.error).toMatchObject({
      code: 'engine_stalled',
      message: /at one step/,
    })
  })

  it('does not blame the engine when this side was suspended', async () => {
    const fake = new HostedFake()
    await fake.settle()
    fake.clock.jump(60_000)
    await fake.settle()
    await fake.pass(2000)
    expect(fake.client.isReady).toBe(true)
  })
})

async function collectAfterSettle(fake: HostedFake, id: string): Promise<void> {
  const outputs = collect(fake.client, fake.request(id))
  await fake.settle()
  await outputs
}
