import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'

/** Every program and library of machine code below `folder`. */
export function machineCodeIn(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return files.map(({ parentPath, name }) => join(parentPath, name)).filter(isElf)
}

function isElf(file) {
  const start = Buffer.alloc(4)
  const descriptor = openSync(file, 'r')
  try {
    readSync(descriptor, start)
  } finally {
    closeSync(descriptor)
  }
  return start.toString('latin1') === '\x7fELF'
}

/** What a binary asks of the machine: { libraries: sonames, glibc: the newest version of it, such as "2.34" }. */
export function elfNeeds(file) {
  const { status, stdout, stderr } = spawnSync('readelf', ['-d', '-V', '-W', file], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(`readelf ${file}: ${stderr}`)
  const libraries = [...stdout.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name)
  const versions = [...stdout.matchAll(/Name: GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor))
  return { libraries: [...new Set(libraries)].sort(), glibc: `2.${Math.max(0, ...versions)}` }
}
