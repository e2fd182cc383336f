import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { storedGolden } from './stored-golden.js'
import { type TensorToWrite, writeSafetensors } from './write-safetensors.js'

/** Folder of the tiny golden models: a config.json and a golden.json each, no weights. */
export const goldensDirectory = fileURLToPath(new URL('../../goldens', import.meta.url))

/** The golden models of a family, or all of them, as `family/variant`. */
export const goldenVariants = (family?: string): string[] =>
  (family === undefined ? readdirSync(goldensDirectory) : [family])
    .flatMap((name) => readdirSync(join(goldensDirectory, name)).map((variant) => `${name}/${variant}`))
    .sort()

/** Largest magnitude of elements of the embedding and of routers of experts. */
interface Amplitudes {
  readonly embedding: number
  readonly router?: number
}

/** What a golden.json says of the checkpoint it was made with. */
interface GoldenTensors {
  readonly meta: Amplitudes
  /** Shapes by name; `*` stands for the number of every layer, or expert. */
  readonly tensors: Readonly<Record<string, readonly number[]>>
}

/**
 * Writes config.json and model.safetensors (f32, or f8 where the config says so) of a golden model into a new temporary directory and returns it.
 * Names and shapes are those Transformers has, values come from the formula of tools/make-golden.py; the caller removes
 * the directory.
 */
export function writeGoldenCheckpoint(variant: string, parent: string = tmpdir()): string {
  mkdirSync(parent, { recursive: true })
  const directory = mkdtempSync(join(parent, `golden-${variant.replace('/', '-')}-`))
  copyFileSync(join(goldensDirectory, variant, 'config.json'), join(directory, 'config.json'))
  const tensors: Record<string, TensorToWrite> = {}
  const { meta } = goldenFile(variant)
  for (const [name, shape] of goldenTensors(variant)) {
    const values = goldenValues(
      name,
      shape.reduce((product, size) => product * size, 1),
      meta,
    )
    const plain = {
      [name]: { dtype: 'F32', shape: [...shape], data: new Uint8Array(values.buffer) },
    } as const
    Object.assign(tensors, storedGolden(goldenConfig(variant), name, shape, values)?.tensors ?? plain)
  }
  writeSafetensors(join(directory, 'model.safetensors'), tensors)
  return directory
}

/** Names and shapes of a golden model's checkpoint tensors. */
export function goldenTensors(variant: string): [name: string, shape: readonly number[]][] {
  const config = goldenConfig(variant)
  const text = config.text_config ?? config
  const numExperts: number = text.num_experts ?? text.num_local_experts ?? text.n_routed_experts ?? 0
  return Object.entries(goldenFile(variant).tensors).flatMap(([pattern, shape]) =>
    numbered([pattern], 'layers', text.num_hidden_layers)
      .flatMap((name) => numbered([name], 'experts', numExperts))
      .map((name): [string, readonly number[]] => [name, shape]),
  )
}

/** Each name with `part.*` in it `count` times, with the numbers from 0 on. */
const numbered = (names: readonly string[], part: string, count: number): string[] =>
  names.flatMap((name) =>
    name.includes(`${part}.*`)
      ? Array.from({ length: count }, (_, i) => name.replace(`${part}.*`, `${part}.${i}`))
      : [name],
  )

/** What a golden model's tensors stand for, each computed once. */
export function goldenValuesOf(variant: string): (name: string, count: number) => Float32Array {
  const { meta } = goldenFile(variant)
  const shapes = new Map(goldenTensors(variant))
  const known = new Map<string, Float32Array>()
  const make = (name: string, count: number): Float32Array => {
    const values = goldenValues(name, count, meta)
    return storedGolden(goldenConfig(variant), name, shapes.get(name) ?? [count], values)?.values ?? values
  }
  return (name, count) => {
    const values = known.get(name) ?? make(name, count)
    known.set(name, values)
    return values
  }
}

const goldenConfig = (variant: string) =>
  JSON.parse(readFileSync(join(goldensDirectory, variant, 'config.json'), 'utf8'))

const goldenFile = (variant: string): GoldenTensors =>
  JSON.parse(readFileSync(join(goldensDirectory, variant, 'golden.json'), 'utf8'))

/** Elements of a golden tensor: amplitude * (2u - 1), plus 1 for norms; u = 24 bits of a hash of name and index. */
export function goldenValues(
  name: string,
  count: number,
  { embedding, router = 0.25 }: Amplitudes = { embedding: 1 },
): Float32Array {
  const isRouter = /\.(gate|router)\.weight$/.test(name)
  const others = name.includes('lm_head') ? 0.5 : 0.25
  const amplitude = name.includes('embed_tokens') ? embedding : isRouter ? router : others
  const center = name.includes('norm') ? 1 : 0
  let seed = 0x811c9dc5
  for (const byte of Buffer.from(name)) seed = Math.imul(seed ^ byte, 0x01000193)
  const values = new Float32Array(count)
  for (let i = 0; i < count; i++) {
    const unit = (mix(seed + Math.imul(i, 0x9e3779b9)) >>> 8) / 2 ** 23 - 1
    values[i] = unit * amplitude + center
  }
  return values
}

/** The finalizer of MurmurHash3 on 32 bits. */
function mix(value: number): number {
  let x = value | 0
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16)
}
