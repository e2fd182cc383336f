#!/usr/bin/env node
// `npm test`: installs what is missing, builds, runs every lane that needs no GPU and closes with `N passed, N failed`.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cudaChoice, findNvcc } from './cuda-toolchain.mjs'
import { build, checkTools, install, orStop, run, Stop, stage } from './workspace.mjs'

const lanes = ['unit', 'null', 'cpu', 'e2e']
const total = { passed: 0, failed: 0 }

/** Counts of a vitest report; a file that could not be read is one failure. */
function count(report, status) {
  if (!existsSync(report)) return { passed: 0, failed: 1 }
  const { numPassedTests: passed, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'))
  const broken = testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  )
  const failed = numFailedTests + broken.length
  return { passed, failed: failed === 0 && status !== 0 ? 1 : failed }
}

function runLane(lane, folder) {
  const report = join(folder, `${lane}.json`)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const status = run('vitest', ['run', '--project', lane, ...reporters])
  const { passed, failed } = count(report, status)
  total.passed += passed
  total.failed += failed
  return `${passed} passed, ${failed} failed`
}

function runCheck() {
  if (run('npm', ['run', '--silent', 'check']) === 0) return undefined
  total.failed++
  return 'failed'
}

async function main() {
  const nvcc = findNvcc()
  const cuda = cudaChoice({
    wanted: nvcc !== undefined,
    nvcc,
    capabilities: [],
    archs: process.env.TRTLLM_CUDA_ARCHS,
  })
  await stage(
    'tools',
    () => `${checkTools()}; ${nvcc ? cuda.why : 'no nvcc: the CUDA kernels are not compiled'}`,
  )
  await stage('install', install)
  await stage('build', () => build([], cuda.env))
  await stage('check', runCheck)
  const folder = mkdtempSync(join(tmpdir(), 'trtllm-test-'))
  try {
    for (const lane of lanes) await stage(lane, () => runLane(lane, folder))
  } finally {
    rmSync(folder, { recursive: true })
  }
  return total.failed === 0 ? 0 : 1
}

const status = await orStop(async () => {
  try {
    return await main()
  } catch (error) {
    // A build that fails is a failure like any other, and nothing else could run.
    total.failed++
    throw error instanceof Stop ? error : new Stop(String(error?.stack ?? error))
  }
})
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exit(status)
