import { join } from 'node:path'
import { badCheckpoint } from '../bad-input.js'
import { indexFileName, shardNames } from '../checkpoint/shard-index.js'
import { downloadBlob, type HubFile } from './download-blob.js'
import type { HubCache } from './hub-cache.js'
import type { HubRequests } from './hub-requests.js'
import { isSupportFile, weightFiles } from './needed-files.js'

/** State of a download: bytes of one file and of all files that are needed. */
export interface HubProgress {
  readonly file: string
  readonly fileDone: number
  readonly fileTotal: number
  readonly done: number
  readonly total: number
}

/** The download of one commit's needed files into the cache. */
export class Download {
  private done = 0
  private total = 0

  constructor(
    private readonly requests: HubRequests,
    private readonly cache: HubCache,
    private readonly commit: string,
    private readonly files: readonly HubFile[],
    private readonly onProgress: ((progress: HubProgress) => void) | undefined,
  ) {}

  /** Small files and the index first: they say which shards are needed, and a bad config shows at once. */
  async run(needsWeights: boolean): Promise<void> {
    const paths = this.files.map(({ path }) => path)
    if (needsWeights && weightFiles(paths).length === 0) {
      const found = paths.find((path) => /\.(bin|pth|pt|gguf)$/.test(path))
      throw badCheckpoint(
        `hub: ${this.requests.repository}: no *.safetensors in this repository${found ? `, only ${found}` : ''}; choose one with safetensors weights`,
      )
    }
    const snapshot = this.cache.snapshot(this.commit)
    await this.fetchAll([...paths.filter(isSupportFile), ...paths.filter((path) => path === indexFileName)])
    if (!needsWeights) return
    const indexed = paths.includes(indexFileName) ? shardNames(join(snapshot, indexFileName)) : undefined
    await this.fetchAll(weightFiles(paths, indexed))
  }

  private async fetchAll(paths: readonly string[]): Promise<void> {
    const wanted = paths.map((path) => this.find(path))
    this.total += wanted.reduce((sum, { size }) => sum + size, 0)
    for (const file of wanted) await this.fetchOne(file)
  }

  private find(path: string): HubFile {
    const file = this.files.find((candidate) => candidate.path === path)
    if (file) return file
    throw badCheckpoint(
      `hub: ${this.requests.repository}: ${indexFileName} lists ${path}, which the repository does not have`,
    )
  }

  private async fetchOne(file: HubFile): Promise<void> {
    const { endpoint, repository } = this.requests
    const url = `${endpoint}/${repository}/resolve/${this.commit}/${encodeURIComponent(file.path)}`
    await downloadBlob(this.requests, url, file, this.cache.blob(file.etag), (bytes) => {
      const { path, size } = file
      const done = this.done + bytes
      this.onProgress?.({ file: path, fileDone: bytes, fileTotal: size, done, total: this.total })
    })
    this.done += file.size
    this.cache.link(this.commit, file.path, file.etag)
  }
}
