import { describe, expect, it } from 'vitest'
import { readHubEnvironment } from './hub-environment.js'

describe('readHubEnvironment', () => {
  it.each([
    [{ HF_HOME: '/h' }, '/h/hub'],
    [{ HF_HOME: '/h', HF_HUB_CACHE: '/c' }, '/c'],
    [{ XDG_CACHE_HOME: '/x' }, '/x/huggingface/hub'],
  ])('%j caches in %s', (env, expected) => expect(readHubEnvironment(env).cacheDirectory).toBe(expected))

  it('reads the endpoint, the token and the offline switch', () => {
    const env = { HF_HOME: '/h', HF_ENDPOINT: 'http://mirror/', HF_TOKEN: 'hf_x', HF_HUB_OFFLINE: '1' }
    expect(readHubEnvironment(env)).toMatchObject({ endpoint: 'http://mirror', token: 'hf_x', offline: true })
    expect(readHubEnvironment({ HF_HOME: '/h' })).toMatchObject({ token: undefined, offline: false })
  })
})
