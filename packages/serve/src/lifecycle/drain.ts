import { once } from 'node:events'
import { ApiError } from '../errors/api-error.js'
import type { OpenAiServer } from '../server.js'

/** How long readers may take for what was already answered. */
const lastBytesMs = 5000

/**
 * Stops a server without dropping what it promised: new requests get 503, running ones finish, and those left at the
 * deadline, or when `hurry` aborts, end with `server_shutdown`. Then the port and the engine are closed.
 */
export async function drain(server: OpenAiServer, deadlineMs: number, hurry?: AbortSignal): Promise<void> {
  const { context } = server
  context.draining = true
  const cut = () => {
    context.active.abortAll(
      new ApiError('server_shutdown', 'The server stopped before this request was done.'),
    )
  }
  const deadline = setTimeout(cut, deadlineMs)
  if (hurry?.aborted) cut()
  hurry?.addEventListener('abort', cut, { once: true })
  await context.active.idle()
  clearTimeout(deadline)
  hurry?.removeEventListener('abort', cut)
  await closeConnections(server, hurry)
  await context.model.close()
}

/** Lets readers take the last bytes for a moment, then closes the port and hangs up. */
async function closeConnections(
  { app, context }: OpenAiServer,
  hurry: AbortSignal | undefined,
): Promise<void> {
  // Closing a server destroys connections whose answer is complete, even where its bytes have not left yet.
  const left = [...context.openResponses].map((response) => once(response, 'close'))
  await new Promise<void>((resolve) => {
    const go = () => {
      clearTimeout(grace)
      hurry?.removeEventListener('abort', go)
      resolve()
    }
    const grace = setTimeout(go, hurry?.aborted ? 250 : lastBytesMs)
    hurry?.addEventListener('abort', go, { once: true })
    Promise.all(left).then(go, go)
  })
  const closed = app.close()
  app.server.closeAllConnections()
  await closed
}
