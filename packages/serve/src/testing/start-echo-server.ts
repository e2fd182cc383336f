import type { AddressInfo } from 'node:net'
import { createServer, type OpenAiServer, type ServerOptions } from '../server.js'
import { EchoModel, type EchoOptions } from './echo-model.js'

/** An echo server on a free loopback port. */
export interface EchoServer extends OpenAiServer {
  model: EchoModel
  port: number
  url: string
  /** POSTs JSON (or raw text) and reads the whole answer. */
  post(
    path: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<{ response: Response; text: string }>
  stop(): Promise<void>
}

/** Starts a server over an echo model. */
export async function startEchoServer(
  options: Partial<ServerOptions> & { echo?: EchoOptions } = {},
): Promise<EchoServer> {
  const { echo = {}, ...rest } = options
  const model = new EchoModel(echo)
  const server = createServer({ version: '0.0.0-test', ...rest, model })
  await server.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.app.server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    ...server,
    model,
    port,
    url,
    async post(path, body, headers = {}) {
      const response = await fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      })
      return { response, text: await response.text() }
    },
    async stop() {
      const closed = server.app.close()
      server.app.server.closeAllConnections()
      await closed
      await model.close()
    },
  }
}
