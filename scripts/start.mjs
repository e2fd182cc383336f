#!/usr/bin/env node
// `npm start [-- flags]`: from a clean clone to a server. Flags are those of trtllm-serve; `--cuda` builds the CUDA
// kernels where no GPU is found.
import { cudaChoice, findNvcc, gpuCapabilities } from './cuda-toolchain.mjs'
import { stopWithParent } from './stop-with-parent.mjs'
import { build, checkTools, install, orStop, Stop, stage } from './workspace.mjs'

const flags = process.argv.slice(2).filter((flag) => flag !== '--cuda')

/** `npm start --port 9000` is npm's option, not ours: without the two dashes it would be lost in silence. @throws Stop */
function refuseSwallowedFlags() {
  const names = [
    'api_key',
    'config',
    'cuda',
    'device',
    'dtype',
    'host',
    'max_batch_size',
    'max_seq_len',
    'model',
    'port',
  ]
  const name = names.find((each) => process.env[`npm_config_${each}`] !== undefined)
  if (name === undefined) return
  const value = process.env[`npm_config_${name}`]
  const flag = `--${name.replaceAll('_', '-')}${value === 'true' || value === '' ? '' : ` ${value}`}`
  throw new Stop(`npm took ${flag} for itself; write: npm start -- ${flag}`)
}

function chooseCuda() {
  try {
    return cudaChoice({
      wanted: process.argv.includes('--cuda'),
      refused: /(^| )--device[= ]cpu( |$)/.test(flags.join(' ')),
      nvcc: findNvcc(),
      capabilities: gpuCapabilities(),
      archs: process.env.TRTLLM_CUDA_ARCHS,
    })
  } catch (error) {
    throw new Stop(error.message)
  }
}

/** Asks the new server for one answer, as a client would. */
async function sample({ url, model, apiKey }) {
  const prompt = 'Tell me a tale.'
  const headers = {
    'content-type': 'application/json',
    ...(apiKey && { authorization: `Bearer ${apiKey}` }),
  }
  const ask = async (path, body) => {
    const startMs = performance.now()
    const response = await fetch(url + path, {
      method: 'POST',
      headers,
      body: JSON.stringify({ model, max_tokens: 96, temperature: 0, ...body }),
    })
    const answer = await response.json()
    if (!response.ok) throw new Error(answer.error?.message ?? response.statusText)
    return { ...answer, seconds: (performance.now() - startMs) / 1000 }
  }
  const chat = () => ask('/v1/chat/completions', { messages: [{ role: 'user', content: prompt }] })
  // A model without a chat template continues the text.
  const { choices, usage, seconds } = await chat().catch(() => ask('/v1/completions', { prompt }))
  const rate = Math.round(usage.completion_tokens / seconds)
  const text = choices[0].message?.content ?? choices[0].text
  console.log(`\n> ${prompt}\n${text}\n(${usage.completion_tokens} tokens, ${rate} tokens/s)`)
  console.log('\nPress Ctrl-C to stop; running requests are finished first.')
}

const onServing = (server) => {
  sample(server).catch((error) => console.error(`The sample completion failed: ${error.message}`))
}

async function main() {
  refuseSwallowedFlags()
  if (process.env.npm_lifecycle_event === 'start') stopWithParent()
  let cuda = { env: {}, why: '' }
  await stage('tools', () => {
    const tools = checkTools()
    cuda = chooseCuda()
    return `${tools}; ${cuda.why}`
  })
  await stage('install', install)
  await stage('build', () => build(['trtllm-serve', 'trtllm-cli'], cuda.env))
  console.log(`[serve] trtllm-serve ${flags.join(' ')}`)
  const { main: serve } = await import('../apps/serve/dist/main.js')
  return await serve(flags, { onServing })
}

process.exit(await orStop(main))
