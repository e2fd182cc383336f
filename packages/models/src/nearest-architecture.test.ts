import { describe, expect, it } from 'vitest'
import { describeNearest, editDistance } from './nearest-architecture.js'

describe('describeNearest', () => {
  const known = [
    { name: 'LlamaForCausalLM', keys: ['hidden_size', 'vocab_size'] },
    { name: 'Qwen3MoeForCausalLM', keys: ['hidden_size', 'vocab_size', 'num_experts'] },
  ]

  it('prefers the class that knows more of the config', () => {
    const keys = ['vocab_size', 'num_experts', 'torch_dtype']
    expect(describeNearest('LlamaMoeForCausalLM', keys, known)).toBe(
      'nearest supported: Qwen3MoeForCausalLM (its config has no key that class does not know, so only the name differs); supported: LlamaForCausalLM, Qwen3MoeForCausalLM',
    )
  })

  it('does not take a short name for a misspelling', () => {
    const all = [...known, { name: 'Phi3ForCausalLM', keys: ['hidden_size', 'vocab_size'] }]
    expect(describeNearest('FooForCausalLM', ['vocab_size'], all)).toBe(
      'no supported one is like it; supported: LlamaForCausalLM, Qwen3MoeForCausalLM, Phi3ForCausalLM',
    )
  })

  it('takes a class whose config is alike for near, whatever its name', () => {
    const keys = Array.from({ length: 9 }, (_, index) => `key_${index}`)
    expect(describeNearest('FooForCausalLM', [...keys, 'foo'], [{ name: 'LlamaForCausalLM', keys }])).toBe(
      'nearest supported: LlamaForCausalLM (it does not know foo); supported: LlamaForCausalLM',
    )
  })

  it('prefers the nearer name among equals and names what differs', () => {
    expect(describeNearest('LamaForCausalLM', ['vocab_size', 'rope_mode', 'moe_size'], known)).toBe(
      'nearest supported: LlamaForCausalLM (it does not know moe_size, rope_mode); supported: LlamaForCausalLM, Qwen3MoeForCausalLM',
    )
  })
})

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['kitten', 'sitting', 3],
    ['', 'abc', 3],
    ['abc', 'abc', 0],
  ])('%s to %s is %i', (a, b, edits) => expect(editDistance(a, b)).toBe(edits))
})
