import { readFileSync } from 'node:fs'

/**
 * Ends this process as SIGTERM would when the npm that started it is gone: npm and sh do not pass every signal on, and
 * a killed `npm start` would leave its server behind.
 */
export function stopWithParent(everyMs = 500) {
  const parent = process.ppid
  // A shell that does not replace itself with its command stands between npm and us, and outlives npm.
  const isShell = /^(ba|da|z|k|a)?sh$/.test(stateOf(parent)?.name ?? '')
  const grandparent = isShell ? stateOf(parent)?.parent : undefined
  const isAlone = () =>
    process.ppid !== parent || (grandparent !== undefined && stateOf(parent)?.parent !== grandparent)
  const timer = setInterval(() => {
    if (!isAlone()) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, everyMs)
  timer.unref()
}

/** Name and parent of a process, or undefined where there is no /proc or no such process. */
function stateOf(pid) {
  try {
    // "pid (name) state parent ...": the name may hold anything.
    const [, name, parent] = /^\d+ \((.*)\) \S (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    return { name, parent: Number(parent) }
  } catch {
    return undefined
  }
}
