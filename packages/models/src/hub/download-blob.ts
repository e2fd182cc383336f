import { createHash } from 'node:crypto'
import { constants, createReadStream, existsSync, mkdirSync } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { badCheckpoint } from '../bad-input.js'
import { HubUnreachable, hubStatusError, isFinalStatus } from './hub-errors.js'
import type { HubRequests } from './hub-requests.js'

/** A file of a repository as the hub lists it. */
export interface HubFile {
  readonly path: string
  readonly size: number
  /** Name of its blob: sha256 of the bytes for LFS files, the git blob id (sha1) for the others. */
  readonly etag: string
  readonly isLfs: boolean
}

/**
 * Downloads one file to `blob` through `blob.incomplete`. A broken transfer goes on where it stopped, in this call
 * or in the next one; the bytes are hashed before the file takes its name.
 * @param onBytes called with the bytes present so far.
 * @throws TrtllmError unauthorized, forbidden, not_found, overloaded, or bad_checkpoint when the hash differs twice.
 */
export async function downloadBlob(
  requests: HubRequests,
  url: string,
  file: HubFile,
  blob: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  if (existsSync(blob)) return onBytes(file.size)
  mkdirSync(dirname(blob), { recursive: true })
  const part = `${blob}.incomplete`
  await fetchRest(requests, url, file, part, onBytes)
  if ((await hashOf(part, file)) !== file.etag) {
    // What an earlier run left may be of another version: once more from the start.
    await rm(part, { force: true })
    await fetchRest(requests, url, file, part, onBytes)
    const found = await hashOf(part, file)
    if (found !== file.etag) {
      await rm(part, { force: true })
      const kind = file.isLfs ? 'sha256' : 'git id'
      throw badCheckpoint(
        `hub: ${requests.repository}/${file.path}: ${kind} must be ${file.etag}, found ${found}; the transfer was damaged or the file changed: try again`,
      )
    }
  }
  await rename(part, blob).catch((error: Error) => {
    // Another process finished the same blob first.
    if (!existsSync(blob)) throw error
  })
}

async function fetchRest(
  requests: HubRequests,
  url: string,
  file: HubFile,
  part: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  // Writes go to fixed positions, so two processes on one part file write the same bytes to the same places.
  const target = await open(part, constants.O_RDWR | constants.O_CREAT)
  try {
    if ((await target.stat()).size > file.size) await target.truncate(0)
    let failures = 0
    for (;;) {
      const before = (await target.stat()).size
      onBytes(before)
      if (before === file.size) return
      const reason = await transfer(requests, url, file, target, before, onBytes)
      const after = (await target.stat()).size
      if (after === file.size) return
      failures = after > before ? 1 : failures + 1
      if (failures > requests.retry.attempts) {
        throw new HubUnreachable(`${requests.repository}/${file.path}`, requests.endpoint, reason)
      }
      await requests.pause(failures)
    }
  } finally {
    await target.close()
  }
}

/** One request; returns why it ended. Only faults that a retry cannot mend are thrown. */
async function transfer(
  requests: HubRequests,
  url: string,
  file: HubFile,
  target: FileHandle,
  start: number,
  onBytes: (bytes: number) => void,
): Promise<string> {
  try {
    const response = await requests.get(url, start > 0 ? { range: `bytes=${start}-` } : {})
    if (isFinalStatus(response.status) && response.status !== 416) {
      await response.body?.cancel()
      throw hubStatusError(response.status, requests.repository, file.path, requests.hasToken)
    }
    const resumes =
      response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${start}-`)
    if (!resumes && (response.status !== 200 || start > 0)) await target.truncate(0)
    if (!resumes && response.status !== 200) {
      await response.body?.cancel()
      return `the hub answered ${response.status}`
    }
    let position = resumes ? start : 0
    for await (const chunk of requests.chunks(response)) {
      if (position + chunk.length > file.size) return `more than the ${file.size} bytes it should have`
      await target.write(chunk, 0, chunk.length, position)
      position += chunk.length
      onBytes(position)
    }
    return `the connection ended after ${position} of ${file.size} bytes`
  } catch (error) {
    if (requests.isFinal(error)) throw error
    return (error as Error).message
  }
}

async function hashOf(path: string, file: HubFile): Promise<string> {
  const hash = createHash(file.isLfs ? 'sha256' : 'sha1')
  if (!file.isLfs) hash.update(`blob ${(await stat(path)).size}\0`)
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
