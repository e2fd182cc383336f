// Node needs libstdc++.so.6 and libgcc_s.so.1, which a machine with nothing but a C library lacks, and the compiler's own
// ask for a newer C library than such a machine may have. Both are made here from the compiler's static libraries, with
// just the names that Node asks for.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { strip } from '../platform-package.mjs'
import { root, Stop } from '../workspace.mjs'

const compiler = process.env.CXX || 'g++'
const compat = join(root, 'packages/kernels/native/compat/glibc-2.34.cc')

function run(program, ...args) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 })
  if (status !== 0) throw new Stop(`${program} ${args.slice(0, 3).join(' ')} ... failed:\n${stderr ?? ''}`)
  return stdout.trim()
}

/** What glibc itself looks up in libgcc_s.so.1 when a thread is cancelled or exits, or a backtrace is printed. */
const namesForGlibc = [
  ['GCC_3.0', ['_Unwind_ForcedUnwind', '_Unwind_GetIP', '_Unwind_Resume']],
  ['GCC_3.3', ['_Unwind_Backtrace', '_Unwind_GetCFA']],
  ['GCC_3.3.1', ['__gcc_personality_v0']],
]

/** Names by version ("GCC_3.0" -> ["_Unwind_Resume"]) that `binary` takes from libraries of one version family. */
function neededNames(binary, family) {
  const names = new Map()
  for (const [, name, version] of run('readelf', '--dyn-syms', '-W', binary).matchAll(
    / (\S+)@(\w+[\d.]+) \(\d+\)$/gm,
  ))
    if (family.test(version)) names.set(version, [...(names.get(version) ?? []), name])
  if (names.size === 0) throw new Stop(`${binary} takes no names of ${family}: has its linkage changed?`)
  return names
}

/** Linker version script; `names` of a version are exported. */
const versionScript = (names, withNames) => {
  const nodes = [...names].sort().map(([version, list]) => {
    const exported = withNames ? `global: ${list.join('; ')};` : ''
    return `${version} { ${exported} };`
  })
  return [...nodes, 'TRTLLM_PRIVATE { local: *; };'].join('\n')
}

/** Writes libstdc++.so.6 and libgcc_s.so.1 for the program `binary` into `folder`. @throws Stop */
export function cxxRuntime(binary, folder) {
  mkdirSync(folder, { recursive: true })
  const scratch = mkdtempSync(join(tmpdir(), 'trtllm-cxx-'))
  const library = (soname, script, ...inputs) => {
    writeFileSync(join(scratch, `${soname}.map`), script)
    const target = join(folder, soname)
    const link = [
      `-Wl,-soname,${soname}`,
      `-Wl,--version-script=${join(scratch, `${soname}.map`)}`,
      '-Wl,--gc-sections',
    ]
    const ends = ['-lm', '-lgcc_eh', '-lgcc', '-lc']
    run(
      compiler,
      '-shared',
      '-fPIC',
      '-O2',
      '-nodefaultlibs',
      ...link,
      '-o',
      target,
      ...inputs,
      compat,
      ...ends,
    )
    strip(target)
  }
  try {
    const cxx = neededNames(binary, /^(GLIBCXX|CXXABI)_/)
    const archive = run(compiler, '-print-file-name=libstdc++.a')
    const whole = ['-Wl,--whole-archive', archive, '-Wl,--no-whole-archive']
    library('libstdc++.so.6', versionScript(cxx, true), ...whole)

    // The static unwinder is hidden: each name goes through a jump that is not.
    const gcc = neededNames(binary, /^GCC_/)
    for (const [version, names] of namesForGlibc)
      gcc.set(version, [...new Set([...(gcc.get(version) ?? []), ...names])])
    const jumps = [...gcc].flatMap(([version, names]) =>
      names.map(
        (name) => `.globl to${name}\nto${name}: jmp ${name}\n.symver to${name}, ${name}@${version}\n`,
      ),
    )
    const assembly = join(scratch, 'jumps.s')
    writeFileSync(assembly, `.text\n${jumps.join('')}.section .note.GNU-stack,"",@progbits\n`)
    library('libgcc_s.so.1', versionScript(gcc, false), assembly)
  } finally {
    rmSync(scratch, { recursive: true })
  }
}
