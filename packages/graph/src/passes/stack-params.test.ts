import { expect, it } from 'vitest'
import { joinedPath } from './stack-params.js'

it('names a stack by what its parts have in common', () => {
  expect(joinedPath(['m.0.q.weight', 'm.0.k.weight'])).toBe('m.0.{q,k}.weight')
  expect(joinedPath(['a', 'b'])).toBe('{a,b}')
  expect(joinedPath(['m.attn.q.weight', 'm.mlp.weight'])).toBe('m.{attn.q,mlp}.weight')
})
