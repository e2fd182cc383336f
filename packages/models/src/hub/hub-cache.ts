import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'

/**
 * The folder of one model in the standard cache: `blobs/<etag>` hold bytes, `refs/<revision>` a commit, and
 * `snapshots/<commit>/<file>` are relative links to blobs, so that every Hugging Face client shares them.
 */
export class HubCache {
  readonly directory: string

  constructor(cacheDirectory: string, repository: string) {
    this.directory = join(cacheDirectory, `models--${repository.replaceAll('/', '--')}`)
  }

  snapshot(commit: string): string {
    return join(this.directory, 'snapshots', commit)
  }

  blob(etag: string): string {
    return join(this.directory, 'blobs', etag)
  }

  /** The commit a revision last pointed to: itself when it is one, or what `refs` remembers. */
  commitOf(revision: string): string | undefined {
    if (/^[0-9a-f]{40}$/.test(revision)) return revision
    const file = join(this.directory, 'refs', revision)
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined
  }

  /** Remembers the commit of a revision; a reader sees the old name or the new one, never half. */
  remember(revision: string, commit: string): void {
    if (revision === commit) return
    const file = join(this.directory, 'refs', revision)
    mkdirSync(dirname(file), { recursive: true })
    const part = `${file}.${process.pid}`
    writeFileSync(part, commit)
    renameSync(part, file)
  }

  /** Makes a snapshot's file a link to a blob. */
  link(commit: string, path: string, etag: string): void {
    const link = join(this.snapshot(commit), path)
    mkdirSync(dirname(link), { recursive: true })
    if (lstatSync(link, { throwIfNoEntry: false })) rmSync(link)
    symlinkSync(relative(dirname(link), this.blob(etag)), link)
  }
}
