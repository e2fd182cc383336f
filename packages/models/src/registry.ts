import type { ModelDefinition } from '@trtllm/graph'
import { unknownArchitecture } from './bad-input.js'
import { cohereKeys } from './cohere/cohere.config.js'
import { cohere2Keys } from './cohere2/cohere2.config.js'
import type { DecoderConfig } from './decoder-config.js'
import { deepseekV2Keys } from './deepseek-v2/deepseek-v2.config.js'
import { deepseekV3Keys } from './deepseek-v3/deepseek-v3.config.js'
import { exaone4Keys } from './exaone4/exaone4.config.js'
import { gemma2Keys } from './gemma2/gemma2.config.js'
import { gemma3ConditionalKeys, gemma3Keys } from './gemma3/gemma3.config.js'
import { gptOssKeys } from './gpt-oss/gpt-oss.config.js'
import type { HfConfig } from './hf-config.js'
import { llamaKeys } from './llama/llama.config.js'
import { mixtralKeys } from './mixtral/mixtral.config.js'
import { describeNearest } from './nearest-architecture.js'
import { olmo2Keys } from './olmo2/olmo2.config.js'
import { phi3Keys } from './phi3/phi3.config.js'
import { qwen2Keys } from './qwen2/qwen2.config.js'
import { qwen2MoeKeys } from './qwen2-moe/qwen2-moe.config.js'
import { qwen3Keys } from './qwen3/qwen3.config.js'
import { qwen3MoeKeys } from './qwen3-moe/qwen3-moe.config.js'

/** A family of model classes: what its config may say, and its code, loaded when first asked for. */
interface Family {
  readonly architectures: readonly string[]
  readonly keys: readonly string[]
  readonly load: () => Promise<AnyModelDefinition>
}

/** Definition of any family here. Its config is of the family's own type: only its own parser makes one. */
export type AnyModelDefinition = ModelDefinition<DecoderConfig, HfConfig>

function family<Config extends DecoderConfig>(
  architectures: readonly string[],
  keys: readonly string[],
  load: () => Promise<ModelDefinition<Config, HfConfig>>,
): Family {
  // A definition is only ever called with what its own parser made.
  return { architectures, keys, load: async () => (await load()) as unknown as AnyModelDefinition }
}

/** One entry per family. */
const families: readonly Family[] = [
  family(
    ['LlamaForCausalLM', 'MistralForCausalLM'],
    llamaKeys,
    async () => (await import('./llama/llama.js')).llama,
  ),
  family(['Qwen2ForCausalLM'], qwen2Keys, async () => (await import('./qwen2/qwen2.js')).qwen2),
  family(['Qwen3ForCausalLM'], qwen3Keys, async () => (await import('./qwen3/qwen3.js')).qwen3),
  family(
    ['Qwen2MoeForCausalLM'],
    qwen2MoeKeys,
    async () => (await import('./qwen2-moe/qwen2-moe.js')).qwen2Moe,
  ),
  family(
    ['Qwen3MoeForCausalLM'],
    qwen3MoeKeys,
    async () => (await import('./qwen3-moe/qwen3-moe.js')).qwen3Moe,
  ),
  family(['MixtralForCausalLM'], mixtralKeys, async () => (await import('./mixtral/mixtral.js')).mixtral),
  family(['GptOssForCausalLM'], gptOssKeys, async () => (await import('./gpt-oss/gpt-oss.js')).gptOss),
  family(['Gemma2ForCausalLM'], gemma2Keys, async () => (await import('./gemma2/gemma2.js')).gemma2),
  family(['Gemma3ForCausalLM'], gemma3Keys, async () => (await import('./gemma3/gemma3.js')).gemma3),
  family(
    ['Gemma3ForConditionalGeneration'],
    gemma3ConditionalKeys,
    async () => (await import('./gemma3/gemma3.js')).gemma3,
  ),
  family(['Phi3ForCausalLM'], phi3Keys, async () => (await import('./phi3/phi3.js')).phi3),
  family(['Exaone4ForCausalLM'], exaone4Keys, async () => (await import('./exaone4/exaone4.js')).exaone4),
  family(['CohereForCausalLM'], cohereKeys, async () => (await import('./cohere/cohere.js')).cohere),
  family(['Cohere2ForCausalLM'], cohere2Keys, async () => (await import('./cohere2/cohere2.js')).cohere2),
  family(
    ['DeepseekV2ForCausalLM'],
    deepseekV2Keys,
    async () => (await import('./deepseek-v2/deepseek-v2.js')).deepseekV2,
  ),
  family(
    ['DeepseekV3ForCausalLM'],
    deepseekV3Keys,
    async () => (await import('./deepseek-v3/deepseek-v3.js')).deepseekV3,
  ),
  family(['Olmo2ForCausalLM'], olmo2Keys, async () => (await import('./olmo2/olmo2.js')).olmo2),
]

/** Every class that can be loaded. */
export const architectures: readonly string[] = families.flatMap(({ architectures: names }) => names)

/**
 * The definition of a model class.
 * @throws TrtllmError unknown_architecture naming the nearest supported class.
 */
export async function findModel(architecture: string): Promise<AnyModelDefinition> {
  return familyOf(architecture).load()
}

/** The family of a class; `config` lets the error say which of its keys the nearest class does not know. */
export function familyOf(architecture: string, config?: HfConfig): Family {
  const found = families.find((candidate) => candidate.architectures.includes(architecture))
  if (found) return found
  const known = families.flatMap(({ architectures: names, keys }) => names.map((name) => ({ name, keys })))
  const where = config ? `${config.file}: ` : ''
  throw unknownArchitecture(
    `${where}architecture ${architecture} is not supported; ${describeNearest(architecture, config?.keys() ?? [], known)}`,
  )
}
