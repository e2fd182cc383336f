import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { brokenArrows } from './check-imports.mjs'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'trtllm-arrows-'))
  for (const [folder, name] of Object.entries({
    runtime: '@trtllm/runtime',
    trtllm: 'trtllm',
    serve: '@trtllm/serve',
  }))
    write(`packages/${folder}/package.json`, JSON.stringify({ name }))
})
afterEach(() => rmSync(root, { recursive: true }))

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

describe('a planted violation is found', () => {
  test.each([
    [
      'packages/runtime/src/a.ts',
      "import { x } from '@trtllm/models'",
      '@trtllm/runtime imports @trtllm/models, which is not below it',
    ],
    [
      'packages/trtllm/src/a.ts',
      "export type * from '@trtllm/serve/testing'",
      'trtllm imports @trtllm/serve/testing, which is not below it',
    ],
    [
      'packages/runtime/src/b.ts',
      "const f = await import('trtllm')",
      '@trtllm/runtime imports trtllm, which is not below it',
    ],
    [
      'packages/serve/src/a.ts',
      "import '../../trtllm/src/llm.js'",
      'imports ../../trtllm/src/llm.js of another package by its path',
    ],
    [
      'packages/runtime/src/scheduler/a.ts',
      "import { Device } from '@trtllm/kernels'",
      'imports @trtllm/kernels, but deciders import no other package',
    ],
    [
      'packages/runtime/src/cache/a.ts',
      "import '../step/pipeline.js'",
      'imports ../step/pipeline.js, but deciders import only each other',
    ],
    [
      'packages/runtime/src/cache/b.ts',
      'const now = Date.now()',
      'reads a clock, but deciders take time as an argument',
    ],
    [
      'packages/kernels/native/plan/a.cc',
      '#include <napi.h>',
      'includes napi.h, which only packages/kernels/native/bind may',
    ],
    [
      'packages/kernels/native/core/a.h',
      '#include "../plan/plan.h"',
      'native/core includes ../plan/plan.h of native/plan, which is above it',
    ],
    ['cuda/gemm/a.cuh', 'asm volatile("ret;");', 'contains asm, which only cuda/include/trtllm/ptx may'],
    [
      'cuda/gemm/b.cuh',
      '#include "../../packages/kernels/native/core/dtype.h"',
      'includes a file of packages, but cuda knows no op',
    ],
  ])('%s: %s', (path, text, sentence) => {
    write(path, text)
    expect(brokenArrows(root)).toEqual([`${path}: ${sentence}`])
  })
})

test.each([
  ['packages/trtllm/src/a.ts', "import { Engine } from '@trtllm/runtime'\n// import '@trtllm/serve'"],
  ['packages/runtime/src/scheduler/a.ts', "import { PagePool } from '../cache/page-pool.js'"],
  ['packages/runtime/src/scheduler/a.test.ts', "import { clock } from '../testing/manual-clock.js'"],
  ['packages/kernels/native/bind/a.cc', '#include <napi.h>\n#include "../plan/plan.h"'],
  ['cuda/include/trtllm/ptx/a.cuh', 'asm volatile("ret;");'],
])('%s is in order', (path, text) => {
  write(path, text)
  expect(brokenArrows(root)).toEqual([])
})
