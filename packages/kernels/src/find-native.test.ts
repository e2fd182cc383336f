import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { findNative, type NativePlaces } from './find-native.js'

let root: string
let places: NativePlaces
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'trtllm-native-'))
  places = {
    override: undefined,
    packageRoot: join(root, 'kernels'),
    platformPackage: '@trtllm/kernels-linux-x64',
    folderOf: () => join(root, 'platform'),
  }
})
afterEach(() => rmSync(root, { recursive: true }))

function put(...paths: string[]): void {
  for (const path of paths.map((path) => join(root, path))) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, '')
  }
}

const local = 'kernels/build/Release/trtllm_kernels.node'
const localCuda = 'kernels/build/Release/libtrtllm_cuda.so'
const platform = 'platform/trtllm_kernels.node'
const platformCuda = 'platform/libtrtllm_cuda.so'

it('takes the platform package when there is no local build', () => {
  put(platform, platformCuda)
  expect(findNative(places)).toEqual({ addon: join(root, platform), cuda: join(root, platformCuda) })
})

it('takes the local build first, and only its own CUDA kernels', () => {
  put(local, platform, platformCuda)
  expect(findNative(places)).toEqual({ addon: join(root, local), cuda: undefined })
  put(localCuda)
  expect(findNative(places).cuda).toBe(join(root, localCuda))
})

it('an override may hold just the CUDA kernels', () => {
  put(local, localCuda, 'mine/libtrtllm_cuda.so')
  expect(findNative({ ...places, override: join(root, 'mine') })).toEqual({
    addon: join(root, local),
    cuda: join(root, 'mine/libtrtllm_cuda.so'),
  })
})

it('without a build it names the platform, what was tried and the remedy', () => {
  put('platform/package.json')
  const built = join(root, 'kernels/build/Release')
  const script = join(root, 'kernels/scripts/build-native.mjs')
  const machine = `${process.platform}-${process.arch}`
  expect(() => findNative(places)).toThrow(
    expect.objectContaining({
      code: 'device_unavailable',
      exitCode: 69,
      message:
        `no native build of @trtllm/kernels for ${machine}; tried ${built} (not built), ` +
        `@trtllm/kernels-linux-x64 (no trtllm_kernels.node in ${join(root, 'platform')}). ` +
        `Install @trtllm/kernels-linux-x64, or build it here with g++ and cmake: node "${script}"`,
    }),
  )
  const none = { ...places, override: '/nowhere', folderOf: () => undefined }
  expect(() => findNative(none)).toThrow(
    `tried TRTLLM_NATIVE_DIR /nowhere (no trtllm_kernels.node), ${built} (not built), ` +
      '@trtllm/kernels-linux-x64 (not installed)',
  )
})
