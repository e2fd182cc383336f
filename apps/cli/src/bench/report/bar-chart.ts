/** A bar: its label, what it is worth and how that reads. */
export interface Bar {
  readonly label: string
  readonly value: number
  readonly text: string
}

const row = { height: 22, bar: 14 }
const columns = { label: 360, bars: 320, text: 170 }
const width = columns.label + columns.bars + columns.text

/**
 * Bars beside their labels as an SVG; the longest has the value `most`, beyond which bars are cut off. Colours are readable
 * on light and dark pages.
 */
export function barChart(title: string, bars: readonly Bar[], most: number): string {
  const height = (bars.length + 1) * row.height + 8
  const lines = bars.map(({ label, value, text }, index) => {
    const y = (index + 1) * row.height
    const length = (columns.bars * Math.min(most, Math.max(0, value))) / most
    return [
      `<text x="${columns.label - 8}" y="${y + 12}" text-anchor="end">${escaped(label)}</text>`,
      `<rect x="${columns.label}" y="${y + 1}" width="${length.toFixed(1)}" height="${row.bar}" fill="#76b900"/>`,
      `<text x="${columns.label + columns.bars + 8}" y="${y + 12}">${escaped(text)}</text>`,
    ].join('\n')
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12" fill="#808080">`,
    `<title>${escaped(title)}</title>`,
    `<text x="8" y="14" font-weight="bold">${escaped(title)}</text>`,
    ...lines,
    '</svg>',
    '',
  ].join('\n')
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
