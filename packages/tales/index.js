import { fileURLToPath } from 'node:url'

export const modelPath = fileURLToPath(new URL('./model', import.meta.url))
