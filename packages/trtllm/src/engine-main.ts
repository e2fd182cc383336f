import { isMainThread } from 'node:worker_threads'
import { hostEngine, parentPort } from '@trtllm/runtime'
import { loadEngine } from './load-engine.js'

// In a process of its own: a stop signal sent to the whole group is for the parent, which lets requests finish first.
if (isMainThread) for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

/** The engine's entry: started as a worker thread or a child process by the LLM class. */
void hostEngine(parentPort(), loadEngine).then((code) => process.exit(code))
