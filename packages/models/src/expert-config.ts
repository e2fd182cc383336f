import { contradictoryConfig } from './bad-input.js'
import type { HfConfig } from './hf-config.js'

/** How many experts there are, how many a token goes to, and how wide one is. */
export interface ExpertSizes {
  readonly numExperts: number
  readonly expertsPerToken: number
  readonly expertSize: number
}

/** Reads the sizes of experts under the names a family has for them. Every key is required. */
export function parseExperts(
  config: HfConfig,
  keys: { readonly count: string; readonly chosen: string; readonly size: string },
): ExpertSizes {
  const numExperts = config.integer(keys.count, { min: 1, max: 1024 })
  const expertsPerToken = config.integer(keys.chosen, { min: 1 })
  if (expertsPerToken > numExperts) {
    throw contradictoryConfig(
      `${config.file}: ${config.name(keys.chosen)} ${expertsPerToken} is more than ${keys.count} ${numExperts}`,
    )
  }
  return { numExperts, expertsPerToken, expertSize: config.integer(keys.size, { min: 1 }) }
}
