import { TrtllmError } from '@trtllm/kernels'
import { badCheckpoint } from '../bad-input.js'

/** Model data that is not handed out, as a checkpoint that is not there. */
const noModelData = { exitCode: 65 }
/** A resource that may be there later. */
const unavailable = { exitCode: 69 }

/** A status the hub will answer with again; asking once more does not help. */
export const isFinalStatus = (status: number): boolean =>
  status >= 400 && status < 500 && status !== 408 && status !== 429

/** The typed error, with its remedy, for a status of the hub. */
export function hubStatusError(
  status: number,
  repository: string,
  what: string,
  hasToken: boolean,
): TrtllmError {
  const page = `${repository} (${what})`
  if (status === 401) {
    const remedy = hasToken
      ? 'the token is not valid; make a new one and set HF_TOKEN'
      : 'the model is private or gated, or does not exist; set HF_TOKEN to a token that may read it'
    return new TrtllmError('unauthorized', `hub: ${page}: 401: ${remedy}`, noModelData)
  }
  if (status === 403) {
    return new TrtllmError(
      'forbidden',
      `hub: ${page}: 403: this token may not read it; accept the model's licence on its page, or use a token with read access`,
      noModelData,
    )
  }
  if (status === 404) {
    return new TrtllmError(
      'not_found',
      `hub: ${page}: 404: no such model, revision or file; check the spelling`,
      noModelData,
    )
  }
  return new TrtllmError(
    'overloaded',
    `hub: ${page}: the hub answered ${status}; try again later`,
    unavailable,
  )
}

/** Nothing answered, after all retries. */
export class HubUnreachable extends TrtllmError {
  constructor(repository: string, endpoint: string, reason: string) {
    super(
      'overloaded',
      `hub: ${repository}: cannot reach ${endpoint}: ${reason}; check the network, or give a local directory`,
      unavailable,
    )
  }
}

/** The error when HF_HUB_OFFLINE forbids the network and the cache lacks something. */
export function notCached(repository: string, revision: string, missing: string): TrtllmError {
  return badCheckpoint(
    `hub: ${repository}@${revision}: ${missing} and HF_HUB_OFFLINE is set; run "trtllm pull ${repository}" with a network first`,
  )
}
