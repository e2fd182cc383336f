/** Every limit the server enforces before it spends work on a request. Sizes in bytes, times in milliseconds. */
export interface Limits {
  headerBytes: number
  headerCount: number
  bodyBytes: number
  bodyChunks: number
  jsonDepth: number
  jsonKeys: number
  /** Largest n (or best_of) x prompts of one call. */
  choices: number
  stops: number
  stopBytes: number
  stopTokenIds: number
  badTokenIds: number
  topLogprobs: number
  logitBias: number
  tools: number
  toolsBytes: number
  templateKwargsBytes: number
  /** Response bytes held for one slow reader before the server stops reading tokens for it. */
  streamBufferBytes: number
  streamStallMs: number
  headersTimeoutMs: number
  bodyTimeoutMs: number
  idleTimeoutMs: number
}

/** Safe out of the box. */
export const defaultLimits: Limits = {
  headerBytes: 16 * 1024,
  headerCount: 100,
  bodyBytes: 8 * 1024 * 1024,
  bodyChunks: 65_536,
  jsonDepth: 64,
  jsonKeys: 10_000,
  choices: 128,
  stops: 16,
  stopBytes: 256,
  stopTokenIds: 64,
  badTokenIds: 256,
  topLogprobs: 20,
  logitBias: 1024,
  tools: 128,
  toolsBytes: 64 * 1024,
  templateKwargsBytes: 16 * 1024,
  streamBufferBytes: 256 * 1024,
  streamStallMs: 30_000,
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  idleTimeoutMs: 75_000,
}
