const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

const dayMs = 86_400_000

/** Python's strftime for local time in the C locale; a directive it does not know stays as it is. */
export function strftime(date: Date, format: string): string {
  const hour12 = date.getHours() % 12 || 12
  const dayOfYear = () =>
    (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - Date.UTC(date.getFullYear(), 0, 0)) /
    dayMs
  const fields: Readonly<Record<string, () => string | number>> = {
    Y: () => date.getFullYear(),
    y: () => two(date.getFullYear() % 100),
    m: () => two(date.getMonth() + 1),
    d: () => two(date.getDate()),
    e: () => String(date.getDate()).padStart(2),
    B: () => months[date.getMonth()]!,
    b: () => months[date.getMonth()]!.slice(0, 3),
    A: () => days[date.getDay()]!,
    a: () => days[date.getDay()]!.slice(0, 3),
    j: () => String(dayOfYear()).padStart(3, '0'),
    H: () => two(date.getHours()),
    I: () => two(hour12),
    M: () => two(date.getMinutes()),
    S: () => two(date.getSeconds()),
    p: () => (date.getHours() < 12 ? 'AM' : 'PM'),
    F: () => strftime(date, '%Y-%m-%d'),
    T: () => strftime(date, '%H:%M:%S'),
    '%': () => '%',
  }
  return format.replace(/%(-?)([A-Za-z%])/g, (directive, dash: string, letter: string) => {
    const text = fields[letter]?.()
    if (text === undefined) return directive
    return dash === '-' ? String(text).replace(/^[0 ]+(?=.)/, '') : String(text)
  })
}

const two = (value: number): string => String(value).padStart(2, '0')
