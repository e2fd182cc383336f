import { TrtllmError } from '@trtllm/kernels'

/** The name that requests to a server use: the one given, or its first. @throws TrtllmError when it does not answer. */
export async function servedModel(url: string, apiKey?: string, name?: string): Promise<string> {
  if (name !== undefined) return name
  const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }
  try {
    const response = await fetch(`${url}/v1/models`, { headers })
    const { data } = (await response.json()) as { data: { id: string }[] }
    return data[0]!.id
  } catch (error) {
    const why = (error as Error).message
    throw new TrtllmError('device_unavailable', `--url ${url}: no server answers there: ${why}`, {
      cause: error,
    })
  }
}
