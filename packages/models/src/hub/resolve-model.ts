import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { badCheckpoint } from '../bad-input.js'
import { indexFileName, shardNames, singleFileName } from '../checkpoint/shard-index.js'
import { Download, type HubProgress } from './download.js'
import { HubCache } from './hub-cache.js'
import { type HubEnvironment, readHubEnvironment } from './hub-environment.js'
import { HubUnreachable, notCached } from './hub-errors.js'
import { HubRequests, type HubRetry } from './hub-requests.js'
import { listRepository } from './list-repository.js'

/** Where a hub model comes from; what is left out is read from the Hugging Face environment variables. */
export interface ResolveOptions extends Partial<HubEnvironment> {
  /** Branch, tag or commit; default main. */
  readonly revision?: string
  /** False fetches config and tokenizer only. Default true. */
  readonly weights?: boolean
  readonly onProgress?: (progress: HubProgress) => void
  /** Told when the hub cannot be reached and an earlier download is used. */
  readonly onWarning?: (message: string) => void
  readonly signal?: AbortSignal
  /** Default 5 attempts, first pause 500 ms. */
  readonly retry?: HubRetry
  /** Longest silence of a connection; default 30 s. */
  readonly stallMs?: number
}

const repositoryPattern = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/

/**
 * The directory of a model: `idOrPath` itself when it exists, or else the snapshot of a hub id (`org/name`) in the
 * standard Hugging Face cache, downloaded as far as it is missing.
 * @throws TrtllmError bad_checkpoint (no such path, incomplete or damaged download), unauthorized, forbidden,
 * not_found or overloaded; every message names the remedy.
 */
export async function resolveModel(idOrPath: string, options: ResolveOptions = {}): Promise<string> {
  if (existsSync(idOrPath)) return idOrPath
  if (!repositoryPattern.test(idOrPath) || idOrPath.includes('..')) {
    throw badCheckpoint(`${idOrPath}: no such directory, and not a hub id (expected "org/name")`)
  }
  const environment = hubEnvironment(options)
  const revision = options.revision ?? 'main'
  if (!/^[\w.][\w./-]*$/.test(revision) || revision.includes('..')) {
    throw badCheckpoint(`hub: ${idOrPath}: revision "${revision}" is not a branch, tag or commit`)
  }
  const cache = new HubCache(environment.cacheDirectory, idOrPath)
  const { weights = true } = options
  if (environment.offline) return fromCache(cache, idOrPath, revision, weights)

  const requests = new HubRequests(
    idOrPath,
    environment.endpoint,
    environment.token,
    options.retry ?? { attempts: 5, delayMs: 500 },
    options.stallMs ?? 30_000,
    options.signal,
  )
  try {
    const { commit, files } = await listRepository(requests, revision)
    await new Download(requests, cache, commit, files, options.onProgress).run(weights)
    cache.remember(revision, commit)
    return cache.snapshot(commit)
  } catch (error) {
    const snapshot = error instanceof HubUnreachable && cachedSnapshot(cache, revision, weights)
    if (!snapshot) throw error
    options.onWarning?.(`${error.message}; using the snapshot in ${snapshot}`)
    return snapshot
  }
}

function hubEnvironment(options: ResolveOptions): HubEnvironment {
  const found = readHubEnvironment()
  return {
    cacheDirectory: options.cacheDirectory ?? found.cacheDirectory,
    endpoint: options.endpoint ?? found.endpoint,
    token: options.token ?? found.token,
    offline: options.offline ?? found.offline,
  }
}

/** What an earlier run has downloaded, if it is complete. */
function cachedSnapshot(cache: HubCache, revision: string, weights: boolean): string | undefined {
  const commit = cache.commitOf(revision)
  const snapshot = commit && cache.snapshot(commit)
  return snapshot && existsSync(snapshot) && missingFiles(snapshot, weights).length === 0
    ? snapshot
    : undefined
}

/** A complete snapshot, or an error that names what is missing. */
function fromCache(cache: HubCache, repository: string, revision: string, weights: boolean): string {
  const commit = cache.commitOf(revision)
  const snapshot = commit && cache.snapshot(commit)
  if (!snapshot || !existsSync(snapshot)) throw notCached(repository, revision, 'no snapshot is cached')
  const missing = missingFiles(snapshot, weights)
  if (missing.length > 0) throw notCached(repository, revision, `the snapshot lacks ${missing.join(', ')}`)
  return snapshot
}

function missingFiles(snapshot: string, needsWeights: boolean): string[] {
  const present = (name: string): boolean =>
    statSync(join(snapshot, name), { throwIfNoEntry: false }) !== undefined
  if (!needsWeights || present(singleFileName)) return ['config.json'].filter((name) => !present(name))
  const weights = present(indexFileName) ? shardNames(join(snapshot, indexFileName)) : [singleFileName]
  return ['config.json', ...weights].filter((name) => !present(name))
}
