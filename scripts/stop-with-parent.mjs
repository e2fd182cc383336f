/**
 * Ends this process as SIGTERM would when the one that started it is gone: npm and sh do not pass signals on, and a
 * killed `npm start` would leave its server behind.
 */
export function stopWithParent(everyMs = 500) {
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, everyMs)
  timer.unref()
}
