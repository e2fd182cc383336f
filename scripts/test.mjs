#!/usr/bin/env node
// `npm test`: installs what is missing, builds, runs every lane that needs no GPU and closes with `N passed, N failed`.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const pnpm = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).packageManager
const run = (command, args) => spawnSync(command, args, { stdio: 'inherit' }).status ?? 1
const withPnpm = (...args) => run('npm', ['exec', '--yes', `--package=${pnpm}`, '--', 'pnpm', ...args])

if (withPnpm('install', '--frozen-lockfile') !== 0) process.exit(1)
if (withPnpm('--filter', '@trtllm/kernels', 'build:native') !== 0) process.exit(1)

const report = join(mkdtempSync(join(tmpdir(), 'trtllm-test-')), 'report.json')
const lanes = ['unit', 'null', 'cpu'].flatMap((lane) => ['--project', lane])
const status = run('node_modules/.bin/vitest', [
  'run',
  ...lanes,
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
])
const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'))
process.stdout.write(`${numPassedTests} passed, ${numFailedTests} failed\n`)
process.exit(status)
