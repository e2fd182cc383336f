import { type FloatDType, type OpSchema, ops, TrtllmError } from '@trtllm/kernels'
import { type CacheContent, type CacheFormat, type CacheScales, CacheTable, pageShape } from './cache-spec.js'
import { inferCall } from './infer.js'
import type { Mesh } from './mesh.js'
import type { Node } from './node.js'
import { ParamTable } from './param.js'
import { cacheValue, type StepState, sectionValue, slabValue, stateValue } from './step-values.js'
import { Value } from './value.js'

/** Operands of an op by name; an optional one may be undefined. */
export type InputsOf<S extends OpSchema> = {
  readonly [K in keyof S['inputs']]: S['inputs'][K] extends { readonly optional: true }
    ? Value | undefined
    : Value
}
export type AttributesOf<S extends OpSchema> = { readonly [K in keyof S['attributes']]: number }
export type ResultsOf<S extends OpSchema> = { readonly [K in keyof S['outputs']]: Value }

export interface CallOptions {
  /** Results to compute in f32 where the op offers it. */
  readonly f32Results?: readonly string[]
}

/** A cache as attention finds it. */
export interface RecordedCache {
  readonly cache: Value
  readonly pool: number
  readonly scales: CacheScales
}

/** What a trace has written down so far. Layers write to it; models never see it. */
export class Recorder {
  readonly nodes: Node[] = []
  readonly params = new ParamTable()
  readonly caches = new CacheTable()
  readonly step: StepState

  constructor(
    readonly dtype: FloatDType,
    readonly mesh: Mesh,
    private readonly cacheFormat: CacheFormat = { dtype },
  ) {
    this.step = this.beginStep()
  }

  /** Records one call and returns its results by name. Throws `invalid_type` if the schema does not allow it. */
  call<const S extends OpSchema>(
    path: string,
    op: S,
    inputs: InputsOf<S>,
    attributes: AttributesOf<S>,
    options: CallOptions = {},
  ): ResultsOf<S> {
    const operands = Object.keys(op.inputs).map((name) => (inputs as Record<string, Value | undefined>)[name])
    const numbers = Object.keys(op.attributes).map((name) => (attributes as Record<string, number>)[name]!)
    const inferred = inferCall(path, op, operands, numbers, options.f32Results)
    const copies = operands[0]?.copies
    const outputs = inferred.map(({ name, dtype, shape }) => {
      const resultPath = inferred.length === 1 ? path : `${path}.${name}`
      return new Value(resultPath, dtype, shape, { kind: 'node' }, copies)
    })
    this.nodes.push({ op, path, inputs: operands, outputs, attributes: numbers })
    return Object.fromEntries(inferred.map(({ name }, i) => [name, outputs[i]])) as ResultsOf<S>
  }

  /** Records the cache of one attention; returns it as the step finds it, its pool and its scales. */
  cache(path: string, content: CacheContent, window: number): RecordedCache {
    if (this.caches.specs.some((spec) => spec.path === path)) {
      throw new TrtllmError(
        'invalid_type',
        `${path}: attention is called twice here, each needs a scope of its own`,
      )
    }
    const { dtype, scalesOf } = this.cacheFormat
    if (dtype === 'f8' && content.kind === 'latent') {
      throw new TrtllmError(
        'contradictory_config',
        `${path} keeps latent vectors, which are kept in ${this.dtype}, not in fp8: leave kvCacheDtype out`,
      )
    }
    const index = this.caches.add({ path, content, dtype, window })
    const cache = cacheValue(`${path}.cache`, index, dtype, pageShape(content))
    const scales = (dtype === 'f8' && scalesOf?.(path)) || { key: 1, value: 1 }
    return { cache, pool: this.caches.specs[index]!.pool, scales }
  }

  /** Every plan starts so: the host's deltas reach the slot state, then ids are read from it. */
  private beginStep(): StepState {
    const { slots } = this.call(
      'step.deltas',
      ops.applyDeltas,
      {
        deltas: slabValue('deltas'),
        numDeltas: slabValue('numDeltas'),
        data: slabValue('deltaData'),
        slots: stateValue(),
      },
      {},
    )
    const pageTables: Value[] = []
    const tokenSlot = slabValue('tokenSlot')
    const positions = slabValue('positions')
    const slotTokens = sectionValue(slots, 'slotTokens')
    const { ids } = this.call('step.tokens', ops.gatherTokens, { tokenSlot, positions, slotTokens }, {})
    return {
      tokens: ids,
      positions,
      logitRows: slabValue('logitRows'),
      tokenSlot,
      ropeVariant: slabValue('ropeVariant'),
      seqSlot: slabValue('seqSlot'),
      seqStart: slabValue('seqStart'),
      seqContext: slabValue('seqContext'),
      rowSlot: slabValue('rowSlot'),
      rowPosition: slabValue('rowPosition'),
      rowSample: slabValue('rowSample'),
      rowTarget: slabValue('rowTarget'),
      slotTokens,
      sampling: sectionValue(slots, 'sampling'),
      lists: sectionValue(slots, 'lists'),
      pageTable: (pool) => {
        pageTables[pool] ??= sectionValue(slots, 'pageTable', pool)
        return pageTables[pool]
      },
    }
  }
}
