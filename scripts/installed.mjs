// Before a command that needs the workspace's own tools: says how they come here, where they are not.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

if (!existsSync(fileURLToPath(new URL('../node_modules/.bin/turbo', import.meta.url)))) {
  console.error(
    'The dependencies are not installed. `npm start` and `npm test` install them; so does `pnpm install`.',
  )
  process.exit(1)
}
