import { chatRoles, maxStopBytes, maxStops } from 'trtllm'
import { expect, test } from 'vitest'
import { defaultLimits } from '../limits.js'
import { chatFields } from './chat-fields.js'

// The server repeats what the library allows, so that a wrong flag is told without loading the engine's code.
test('stop strings are bounded as in the library', () => {
  const { stops, stopBytes } = defaultLimits
  expect({ stops, stopBytes }).toEqual({ stops: maxStops, stopBytes: maxStopBytes })
})

test('roles are those of the library', () => {
  const { messages } = chatFields(defaultLimits).shape
  for (const role of chatRoles) expect(messages.safeParse([{ role, content: 'x' }]).success).toBe(true)
  expect(messages.safeParse([{ role: 'bogus', content: 'x' }]).success).toBe(false)
})
