import { expect, it } from 'vitest'
import { strftime } from './strftime.js'

const date = new Date(2026, 0, 4, 0, 5, 9)

it.each([
  ['%Y-%m-%d', '2026-01-04'],
  ['%d %b %Y', '04 Jan 2026'],
  ['%A, %B %-d, %y', 'Sunday, January 4, 26'],
  ['%a %e %H:%M:%S %I%p %j', 'Sun  4 00:05:09 12AM 004'],
  ['%F %T %% %Q', '2026-01-04 00:05:09 % %Q'],
  ['%-H', '0'],
])('%s', (format, expected) => {
  expect(strftime(date, format)).toBe(expected)
})
