import { unknownArchitecture } from './bad-input.js'
import type { HfConfig } from './hf-config.js'
import { llamaKeys } from './llama/llama.config.js'
import { describeNearest } from './nearest-architecture.js'

/** A family of model classes: what its config may say, and its code, loaded when first asked for. */
interface Family {
  readonly architectures: readonly string[]
  readonly keys: readonly string[]
  readonly load: () => Promise<AnyModelDefinition>
}

/** Definition of any family here. */
export type AnyModelDefinition = typeof import('./llama/llama.js').llama

/** One line per family. */
const families: readonly Family[] = [
  {
    architectures: ['LlamaForCausalLM', 'MistralForCausalLM'],
    keys: llamaKeys,
    load: async () => (await import('./llama/llama.js')).llama,
  },
]

/** Every class that can be loaded. */
export const architectures: readonly string[] = families.flatMap((family) => family.architectures)

/**
 * The definition of a model class.
 * @throws TrtllmError unknown_architecture naming the nearest supported class.
 */
export async function findModel(architecture: string): Promise<AnyModelDefinition> {
  return familyOf(architecture).load()
}

/** The family of a class; `config` lets the error say which of its keys the nearest class does not know. */
export function familyOf(architecture: string, config?: HfConfig): Family {
  const family = families.find((candidate) => candidate.architectures.includes(architecture))
  if (family) return family
  const known = families.flatMap(({ architectures, keys }) => architectures.map((name) => ({ name, keys })))
  const where = config ? `${config.file}: ` : ''
  throw unknownArchitecture(
    `${where}architecture ${architecture} is not supported; ${describeNearest(architecture, config?.keys() ?? [], known)}`,
  )
}
