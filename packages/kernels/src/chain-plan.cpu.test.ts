import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const program = fileURLToPath(new URL('../build/test/trtllm_chain_plan', import.meta.url))

/** Chains of a step of one row, and the nodes that none takes. What each step is says test/chain-plan.cc. */
const chainsOf = (step: string): string[] =>
  execFileSync(program, [step], { encoding: 'utf8' }).trimEnd().split('\n')

const layer = (type: string, before: string) => [
  `  linear 128 -> 512 of ${type}: x ${before}, normed, kept; y handed`,
  '  attention of 4 over 2: y handed',
  `  linear 256 -> 128 of ${type}: x handed; y handed`,
  `  linear 128 -> 512 of ${type}, silu(first half) * second: x kept + handed, normed, kept; y handed`,
  `  linear 256 -> 128 of ${type}: x handed; y handed`,
]
const links = (type: string) => [
  ...layer(type, 'memory'),
  ...layer(type, 'kept + handed'),
  '  linear 128 -> 512 of floats: x kept + handed, normed, kept; y stored',
]

describe('a step of one row', () => {
  it('is one chain from the first norm to the logits', () => {
    expect(chainsOf('bf16')).toEqual(['chain of 22 nodes', ...links('floats')])
    expect(chainsOf('f8')).toEqual(['chain of 22 nodes', ...links('f8')])
  })

  it('has the same links where norms and gates are of the nodes of the linears', () => {
    expect(chainsOf('fused')).toEqual(['chain of 17 nodes', ...links('f8')])
  })

  it('stores what a node behind the chain reads', () => {
    expect(chainsOf('sum-read-later').at(-2)).toBe(
      '  linear 128 -> 512 of floats: x kept + handed, normed, kept, stored; y stored',
    )
  })

  it('has chains between attentions over caches in f8', () => {
    const chains = chainsOf('f8-cache').filter((line) => !line.startsWith(' '))
    expect(chains).toEqual([
      ...['node rms-norm', 'node linear', 'node rope-kv-write', 'node paged-attention'],
      ...['chain of 7 nodes', 'node rope-kv-write', 'node paged-attention', 'chain of 9 nodes'],
    ])
  })
})

describe('a chain ends', () => {
  const nodesOf = (step: string) => chainsOf(step).filter((line) => !line.startsWith(' '))

  it('before a norm that lies nowhere and is read behind it', () => {
    expect(nodesOf('norm-read-later')).toEqual([
      ...['chain of 18 nodes', 'node add', 'node gather-rows', 'node rms-norm', 'node linear', 'node silu'],
    ])
  })

  it('before a node of which it could take only a part', () => {
    expect(nodesOf('cut-node').slice(0, 3)).toEqual([
      ...['chain of 5 nodes', 'node add-rms-norm-linear-f8', 'node silu-mul-linear-f8'],
    ])
  })

  it('where an address stands for another value than the sum that blocks keep', () => {
    expect(nodesOf('sum-is-gone').slice(0, 2)).toEqual(['chain of 4 nodes', 'node add'])
  })

  it('before a gate that is not the first half of the product', () => {
    expect(nodesOf('halves-are-swapped')).toEqual(['chain of 2 nodes', 'node silu-mul-linear-f8'])
  })
})

it('does not store where late blocks may still read', () => {
  expect(chainsOf('read-is-late')).toEqual(['node linear', 'node linear', 'node silu'])
})
