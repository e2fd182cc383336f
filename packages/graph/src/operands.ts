import { dtypeBytes, type OperandSpec } from '@trtllm/kernels'
import type { CacheLayout } from './cache-layout.js'
import type { Dim } from './dim.js'
import { type Extent, extentOf } from './extent.js'
import { type Graph, updatedBy } from './graph.js'
import type { Node } from './node.js'
import type { PlanDevice } from './plan-device.js'
import type { ResultSections, StepLayout } from './step-layout.js'
import { rootOf, type Value } from './value.js'
import type { PlacedParam } from './weight-layout.js'

/** Which buffer an operand lies in, before there is one. */
export type BufferBinding =
  | { readonly kind: 'weights' }
  | { readonly kind: 'state' }
  | { readonly kind: 'cache'; readonly pool: number; readonly index: number }

/** An operand whose buffer is yet to be bound. The first axis of a cache has no size before that either. */
export interface UnboundOperand extends Omit<OperandSpec, 'buffer'> {
  readonly buffer?: BufferBinding
}

/** Where the things that operands lie in have been put. */
export interface Placement {
  readonly layout: StepLayout
  readonly caches: CacheLayout
  readonly params: ReadonlyMap<string, PlacedParam>
  /** Arena offset of each value that lives there. */
  readonly arena: ReadonlyMap<Value, number>
  readonly device: Pick<PlanDevice, 'matrixLayout'>
}

type Place = Pick<UnboundOperand, 'space' | 'offset' | 'buffer' | 'layout'>

/** Turns values into the operands of a plan, each once. */
export class OperandTable {
  readonly operands: UnboundOperand[] = []
  private readonly indices = new Map<Value, number>()
  private readonly updates = new Map<Value, Value>()
  private readonly results: ReadonlyMap<Value, keyof ResultSections>

  constructor(
    graph: Graph,
    private readonly placement: Placement,
  ) {
    this.results = new Map([...graph.results].map(([section, value]) => [value, section]))
    for (const node of graph.nodes) this.noteUpdates(node)
  }

  /** Index of the operand that `value` is; -1 for an absent one. */
  indexOf(value: Value | undefined): number {
    if (!value) return -1
    let index = this.indices.get(value)
    if (index === undefined) {
      index = this.operands.push(this.describe(value)) - 1
      this.indices.set(value, index)
    }
    return index
  }

  /** Index of an operand that is there already. */
  find(value: Value): number | undefined {
    return this.indices.get(value)
  }

  private noteUpdates(node: Node): void {
    for (const output of node.outputs) {
      const old = updatedBy(node, output)
      if (old) this.updates.set(output, old)
    }
  }

  private describe(value: Value): UnboundOperand {
    const { root, firstColumn } = rootOf(value)
    const { offset, ...place } = this.place(root)
    const isWhole = value === root || value.rowWidth === root.rowWidth
    return {
      ...place,
      offset: offset + firstColumn * dtypeBytes[value.dtype],
      dtype: value.dtype,
      shape: value.shape.map((dim) => this.sizeOf(dim)),
      strides: isWhole ? [] : stridesOf(value, root.rowWidth),
    }
  }

  private place(root: Value): Place {
    const { layout, caches, params, arena, device } = this.placement
    const old = this.updates.get(root)
    if (old) return this.place(rootOf(old).root)
    const { origin } = root
    switch (origin.kind) {
      case 'param': {
        const { kind, offset } = params.get(origin.param.path)!
        const matrixLayout = kind === 'matrix' ? device.matrixLayout : 'strided'
        return { space: 'buffer', buffer: { kind: 'weights' }, offset, layout: matrixLayout }
      }
      case 'slab':
        return { space: 'slab', offset: wordBytes(layout.slab[origin.section].offset), layout: 'strided' }
      case 'state':
        return { space: 'buffer', buffer: { kind: 'state' }, offset: 0, layout: 'strided' }
      case 'section': {
        const section =
          origin.section === 'pageTable' ? layout.state.pageTable[origin.pool]! : layout.state[origin.section]
        const offset = wordBytes(section.offset)
        return { space: 'buffer', buffer: { kind: 'state' }, offset, layout: 'strided' }
      }
      case 'cache': {
        const buffer = { kind: 'cache' as const, ...caches.places[origin.cache]! }
        return { space: 'buffer', buffer, offset: 0, layout: 'strided' }
      }
      default: {
        const section = this.results.get(root)
        if (section)
          return { space: 'result', offset: wordBytes(layout.result[section].offset), layout: 'strided' }
        return { space: 'arena', offset: arena.get(root)!, layout: 'strided' }
      }
    }
  }

  private sizeOf(dim: Dim): Extent {
    const { limits, maxPages, stateWords } = this.placement.layout
    const sizes = {
      slots: limits.numSlots,
      slotLength: limits.maxSeqLen + 1,
      maxPages,
      stateWords,
      maxDeltas: limits.maxDeltas,
      deltaWords: limits.maxDeltaWords,
      maxCopies: limits.maxSeqs * limits.numPools,
      pages: 0,
    }
    return extentOf(dim.with(sizes))
  }
}

const wordBytes = (words: number): number => words * 4

/** Rows are `rowStride` apart, what is in a row is contiguous, or what is in a head where it is a part of heads. */
function stridesOf(value: Value, rowStride: number): number[] {
  const { origin } = value
  if (origin.kind === 'view' && origin.headStride !== undefined) return [rowStride, origin.headStride, 1]
  const strides: number[] = []
  let stride = 1
  for (const dim of value.shape.slice(1).reverse()) {
    strides.unshift(stride)
    stride *= dim.toConstant(value.path)
  }
  return [rowStride, ...strides]
}
