import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The environment variables of Hugging Face that decide where models come from and where they are kept. */
export interface HubEnvironment {
  /** Folder of `models--org--name` folders. */
  readonly cacheDirectory: string
  readonly endpoint: string
  readonly token: string | undefined
  readonly offline: boolean
}

const isOn = (value: string | undefined): boolean => /^(1|on|yes|true)$/i.test(value ?? '')

/** Reads HF_HUB_CACHE, HF_HOME, HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH and HF_HUB_OFFLINE as the Python client does. */
export function readHubEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
): HubEnvironment {
  const home = env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface')
  return {
    cacheDirectory: env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, 'hub'),
    endpoint: (env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, ''),
    token:
      env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN || storedToken(env.HF_TOKEN_PATH || join(home, 'token')),
    offline: isOn(env.HF_HUB_OFFLINE) || isOn(env.TRANSFORMERS_OFFLINE),
  }
}

function storedToken(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8').trim() || undefined : undefined
}
