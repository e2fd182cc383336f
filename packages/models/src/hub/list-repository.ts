import { HubApiError, listFiles, modelInfo } from '@huggingface/hub'
import { badCheckpoint } from '../bad-input.js'
import type { HubFile } from './download-blob.js'
import { HubUnreachable, hubStatusError } from './hub-errors.js'
import type { HubRequests } from './hub-requests.js'

/** The commit a revision points to and the files of its top folder. */
export interface RepositoryListing {
  readonly commit: string
  readonly files: readonly HubFile[]
}

/** Asks the hub for the commit of a revision and its files. @throws TrtllmError by status, or unreachable. */
export async function listRepository(requests: HubRequests, revision: string): Promise<RepositoryListing> {
  const { repository, endpoint: hubUrl, fetch } = requests
  try {
    const info = await modelInfo({ name: repository, revision, hubUrl, fetch, additionalFields: ['sha'] })
    const commit = info.sha
    if (!/^[0-9a-f]{40}$/.test(commit))
      throw badCheckpoint(`hub: ${repository}@${revision}: no commit id in the answer`)
    const files: HubFile[] = []
    for await (const entry of listFiles({ repo: repository, revision: commit, hubUrl, fetch })) {
      const etag = entry.lfs?.oid ?? entry.oid
      if (entry.type !== 'file' || !etag || !/^[0-9a-f]{40,64}$/.test(etag)) continue
      const isLfs = entry.lfs !== undefined
      files.push({ path: entry.path, size: entry.lfs?.size ?? entry.size, etag, isLfs })
    }
    return { commit, files }
  } catch (error) {
    if (requests.isFinal(error)) throw error
    if (error instanceof HubApiError) {
      throw hubStatusError(error.statusCode, repository, `revision ${revision}`, requests.hasToken)
    }
    const { cause, message } = error as Error & { cause?: Error }
    throw new HubUnreachable(repository, hubUrl, cause?.message || message)
  }
}
