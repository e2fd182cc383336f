// Starts trtllm-serve and sends it many streamed requests at once: every one must end once, with a whole answer.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const type = 'string'
const options = { device: { type, default: 'cuda' }, requests: { type, default: '256' } }
const { device, requests } = parseArgs({ options }).values
const count = Number(requests)

const openings = [
  'Once upon a time',
  'Tell me a tale.',
  'In the quiet orchard',
  'What is 12 + 30?',
  'Long ago, a clever bat',
]

/** A server on a free port: { url, stop(): exit code }. */
function startServer() {
  const flags = ['--port', '0', '--device', device, '--max-queue', String(count), '--log_level', 'warn']
  const server = spawn(process.execPath, [join(import.meta.dirname, 'trtllm-serve.js'), ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = new Promise((resolve) => server.on('close', (code) => resolve(code)))
  const url = new Promise((resolve, reject) => {
    let text = ''
    server.stdout.setEncoding('utf8').on('data', (part) => {
      text += part
      const found = /^Serving .* on (http:\S+)$/m.exec(text)
      if (found) resolve(found[1])
    })
    exit.then((code) => reject(new Error(`trtllm-serve ended with ${code}: ${text}`)))
  })
  const stop = () => {
    server.kill('SIGTERM')
    return exit
  }
  return { url, stop }
}

/** One streamed completion: { firstMs, totalMs, tokens, problem? }. */
async function ask(url, index) {
  const startMs = performance.now()
  const body = {
    prompt: openings[index % openings.length],
    max_tokens: 16 + ((index * 37) % 113),
    temperature: 0,
  }
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: '@trtllm/tales',
      stream: true,
      stream_options: { include_usage: true },
      ...body,
    }),
  })
  if (!response.ok) return { problem: `${response.status} ${await response.text()}` }
  let text = ''
  let firstMs
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    firstMs ??= performance.now() - startMs
    text += part
  }
  const lines = text.split('\n').filter((line) => line.startsWith('data: '))
  const events = lines.filter((line) => line !== 'data: [DONE]').map((line) => JSON.parse(line.slice(6)))
  const ends = events.filter((event) => event.choices?.[0]?.finish_reason)
  const tokens = events.at(-1)?.usage?.completion_tokens ?? 0
  const isWhole =
    ends.length === 1 && lines.at(-1) === 'data: [DONE]' && tokens > 0 && tokens <= body.max_tokens
  return {
    firstMs,
    totalMs: performance.now() - startMs,
    tokens,
    ...(isWhole ? {} : { problem: text.slice(-300) }),
  }
}

const share = (sorted, part) =>
  Number((sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0).toFixed(1))
const spread = (values) => {
  const sorted = values.sort((a, b) => a - b)
  return { p50: share(sorted, 0.5), p95: share(sorted, 0.95), max: share(sorted, 1) }
}

const server = startServer()
const url = await server.url
await ask(url, 0)
const startMs = performance.now()
const answers = await Promise.all(Array.from({ length: count }, (_, index) => ask(url, index)))
const seconds = (performance.now() - startMs) / 1000
const health = await (await fetch(`${url}/health`)).json()
const exitCode = await server.stop()
const problems = answers.flatMap(({ problem }) => problem ?? [])
const tokens = answers.reduce((sum, answer) => sum + (answer.tokens ?? 0), 0)
const whole = answers.filter(({ problem }) => problem === undefined)
console.log(
  JSON.stringify({
    summary: `${whole.length} of ${count} whole, ${Math.round(tokens / seconds)} tokens/s, server ended with ${exitCode}`,
    isGood: problems.length === 0 && exitCode === 0,
    requests: count,
    whole: whole.length,
    problems: problems.slice(0, 5),
    tokens,
    seconds: Number(seconds.toFixed(3)),
    firstTokenMs: spread(whole.map(({ firstMs }) => firstMs)),
    totalMs: spread(whole.map(({ totalMs }) => totalMs)),
    health,
    exitCode,
  }),
)
process.exit(problems.length === 0 && exitCode === 0 ? 0 : 1)
