import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const places = ['CMakeLists.txt', 'cmake', 'native', 'ops', '../../cuda']

/** Digest of everything the native build reads, CUDA sources too only with `withCuda`. */
export function sourceDigest({ withCuda }) {
  const isSource = withCuda ? /\.(txt|cmake|map|cc|h|cu|cuh)$/ : /\.(txt|cmake|map|cc|h)$/
  const digest = createHash('sha256')
  for (const place of withCuda ? places : places.slice(0, -1))
    for (const path of filesIn(place))
      if (isSource.test(path))
        digest
          .update(`${path}\0`)
          .update(readFileSync(join(root, path)))
          .update('\0')
  return digest.digest('hex')
}

function filesIn(place) {
  if (!existsSync(join(root, place))) return []
  if (place.endsWith('.txt')) return [place]
  const entries = readdirSync(join(root, place), { withFileTypes: true })
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesIn(`${place}/${entry.name}`) : `${place}/${entry.name}`))
}
