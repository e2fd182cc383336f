import { describe, expect, it } from 'vitest'
import { noOffer } from '../cache/page-offer.js'
import { schedulerLimits } from '../testing/scheduler-limits.js'
import { type SchedulerView, schedule } from './schedule.js'
import { createSequence, type Sequence } from './sequence.js'

const limits = schedulerLimits({ maxRows: 4, reserveTokens: 4 })

const sequence = (arrival: number, fields: Partial<Sequence> = {}): Sequence => ({
  ...createSequence({
    id: `s${arrival}`,
    arrival,
    promptIds: new Int32Array(4),
    maxLength: 40,
    limited: false,
  }),
  ...fields,
})
const decoding = (arrival: number, heldPages: number, fields: Partial<Sequence> = {}): Sequence =>
  sequence(arrival, {
    status: 'running',
    slot: arrival,
    computed: heldPages * 4,
    length: heldPages * 4 + 1,
    heldPages,
    reservedPages: heldPages,
    setupSent: true,
    ...fields,
  })
const pages = (total: number, free: number, pending: number) => [{ total, free, pending, shared: 0 }]
const view = (fields: Partial<SchedulerView>): SchedulerView => ({
  running: [],
  paused: [],
  waiting: [],
  numWaiting: 0,
  waitingTokens: 0,
  pages: pages(10, 10, 0),
  freeSlots: 4,
  retiredStep: 0,
  isIdle: true,
  heldMs: 0,
  heldSteps: 0,
  staticBatch: { size: 0, lastArrival: -1 },
  offer: () => noOffer(1),
  isComing: () => false,
  releasable: ({ heldPages }) => [heldPages],
  ...fields,
})

const nothing = { pause: [], admit: [], isHolding: false, work: [] }

describe('schedule', () => {
  it('changes nothing it is given', () => {
    const given = view({
      running: [decoding(0, 2)],
      paused: [sequence(1)],
      waiting: [sequence(2), sequence(3)],
    })
    const sequences = [given.running, given.paused, given.waiting]
    const before = structuredClone(sequences)
    expect(schedule(given, limits).work.length).toBe(4)
    expect(structuredClone(sequences)).toEqual(before)
  })

  it('leaves a paused sequence out while a token of it is being sampled', () => {
    const paused = sequence(0, { status: 'paused', inFlight: 1 })
    expect(schedule(view({ paused: [paused], waiting: [sequence(1)] }), limits)).toEqual(nothing)
    paused.inFlight = 0
    expect(schedule(view({ paused: [paused], waiting: [sequence(1)] }), limits).admit.length).toBe(2)
  })

  it('pauses the youngest, and no more than needed', () => {
    const running = [decoding(0, 3), decoding(1, 3), decoding(2, 3)]
    const batch = schedule(view({ running, pages: pages(9, 0, 0) }), limits)
    expect(batch.pause.map(({ id }) => id)).toEqual(['s2'])
    expect(batch.work.map((item) => item.sequence.id)).toEqual(['s0', 's1'])
  })

  it('waits for pages that are coming back rather than pause for them', () => {
    const running = [decoding(0, 3), decoding(1, 3)]
    const batch = schedule(view({ running, pages: pages(9, 0, 3) }), limits)
    expect(batch).toEqual(nothing)
  })

  it('counts the pages of a sequence with its last token in flight as coming back', () => {
    const ending = decoding(0, 3, { maxLength: 13, inFlight: 1 })
    const batch = schedule(view({ running: [ending, decoding(1, 3)], pages: pages(6, 0, 0) }), limits)
    expect(batch).toEqual(nothing)
  })

  it('does not hand out promised pages', () => {
    const promised = sequence(0, {
      status: 'running',
      slot: 0,
      reservedPages: 2,
      computed: 1,
      heldPages: 1,
      setupSent: true,
    })
    const growing = decoding(1, 3)
    const batch = schedule(view({ running: [promised, growing], pages: pages(5, 1, 0) }), limits)
    expect(batch.pause.map(({ id }) => id)).toEqual(['s1'])
  })

  it('pauses sequences that await the host for paused ones, never for those who wait', () => {
    const running = [0, 1, 2, 3].map((arrival) => decoding(arrival, 1, { length: 4, awaitsToken: true }))
    const full = { running, waiting: [sequence(5)], numWaiting: 1, freeSlots: 1, pages: pages(20, 16, 0) }
    expect(schedule(view(full), limits)).toEqual(nothing)
    const awaiting = sequence(4, { status: 'paused', awaitsToken: true })
    expect(schedule(view({ ...full, paused: [awaiting] }), limits)).toEqual(nothing)
    const paused = [awaiting, sequence(4, { status: 'paused' })]
    expect(schedule(view({ ...full, paused }), limits).pause.map(({ id }) => id)).toEqual(['s3'])
  })

  it('does not complete a prompt without a row to sample it', () => {
    const batch = schedule(view({ waiting: [sequence(0), sequence(1)] }), { ...limits, maxRows: 1 })
    expect(batch.work.map(({ tokens, samples }) => [tokens, samples])).toEqual([
      [4, true],
      [3, false],
    ])
  })
})
