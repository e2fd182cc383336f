/** Items of several iterators as they come, each with the number of its iterator. Ends when all have ended. */
export async function* mergeStreams<T>(
  streams: readonly AsyncIterator<T>[],
): AsyncGenerator<[index: number, item: T], void, undefined> {
  const ready: [number, T][] = []
  let open = streams.length
  let failure: { error: unknown } | undefined
  let wake = () => {}
  const pump = async (stream: AsyncIterator<T>, index: number) => {
    try {
      for (let next = await stream.next(); !next.done; next = await stream.next()) {
        ready.push([index, next.value])
        wake()
      }
    } catch (error) {
      failure ??= { error }
    }
    open--
    wake()
  }
  streams.forEach((stream, index) => {
    void pump(stream, index)
  })
  while (true) {
    yield* ready.splice(0)
    if (failure) throw failure.error
    if (ready.length > 0) continue
    if (open === 0) return
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }
}
