import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const commit = '0123456789abcdef0123456789abcdef01234567'

/** A file of the served repository. LFS files are listed by sha256, the others by git blob id. */
export interface ServedFile {
  readonly body: Buffer
  readonly isLfs?: boolean
  /** Lists this id instead of the true one. */
  readonly wrongId?: string
}

/** Faults of the server, each used up as it strikes. */
export interface Faults {
  /** Cuts the connection after this many bytes of a body, once per number. */
  cutAfter?: number[]
  /** Answers these statuses first. */
  statuses?: number[]
  /** Ignores range headers. */
  noRanges?: boolean
  /** Never finishes a body, once per number of bytes sent before. */
  stallAfter?: number[]
}

/** A hub with one repository, `org/tiny`, on a port of 127.0.0.1. It has the routes a download needs. */
export class HubServer implements AsyncDisposable {
  /** Method, path and range of each request. */
  readonly log: string[] = []
  readonly commit = commit
  faults: Faults = {}
  /** Requests without this token get 401. */
  token: string | undefined
  private readonly server = createServer((request, response) => this.answer(request, response))

  private constructor(readonly files: Record<string, ServedFile>) {}

  static async start(files: Record<string, ServedFile>): Promise<HubServer> {
    const hub = new HubServer(files)
    await new Promise<void>((resolve) => hub.server.listen(0, '127.0.0.1', resolve))
    // A forgotten server must not keep a test process alive.
    hub.server.unref()
    return hub
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url!, this.endpoint)
    const { range } = request.headers
    this.log.push(`${pathname.split('/').pop()}${range ? ` ${range}` : ''}`)
    const status = this.faults.statuses?.shift()
    if (status) return void response.writeHead(status).end('{}')
    if (this.token && request.headers.authorization !== `Bearer ${this.token}`) {
      return void response.writeHead(401).end('{"error":"Invalid credentials"}')
    }
    if (pathname === '/api/models/org/tiny/revision/main') {
      return void sendJson(response, { _id: '1', id: 'org/tiny', sha: commit, private: false, gated: false })
    }
    if (pathname === `/api/models/org/tiny/tree/${commit}`) return void sendJson(response, this.listing())
    const file = this.files[pathname.replace(`/org/tiny/resolve/${commit}/`, '')]
    if (!file) return void response.writeHead(404).end('{"error":"Repository not found"}')
    this.send(response, file.body, range)
  }

  private listing(): unknown[] {
    return Object.entries(this.files).map(([path, { body, isLfs, wrongId }]) => {
      const gitId = createHash('sha1').update(`blob ${body.length}\0`).update(body).digest('hex')
      const entry = { type: 'file', path, size: body.length, oid: wrongId ?? gitId }
      const sha256 = createHash('sha256').update(body).digest('hex')
      return isLfs
        ? { ...entry, lfs: { oid: wrongId ?? sha256, size: body.length, pointerSize: 130 } }
        : entry
    })
  }

  private send(response: ServerResponse, body: Buffer, range: string | undefined): void {
    const start = range && !this.faults.noRanges ? Number(/bytes=(\d+)-/.exec(range)![1]) : 0
    const rest = body.subarray(start)
    const headers = {
      'content-length': rest.length,
      'content-range': `bytes ${start}-${body.length - 1}/${body.length}`,
    }
    response.writeHead(start > 0 ? 206 : 200, headers)
    const stall = this.faults.stallAfter?.shift()
    if (stall !== undefined) return void response.write(rest.subarray(0, stall))
    const cut = this.faults.cutAfter?.shift()
    if (cut === undefined || cut >= rest.length) return void response.end(rest)
    response.write(rest.subarray(0, cut), () => response.destroy())
  }
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
