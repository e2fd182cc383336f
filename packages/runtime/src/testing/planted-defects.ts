/** A mistake that somebody could make: a change of one place in the source. */
export interface PlantedDefect {
  readonly name: string
  /** Path below `src`. */
  readonly file: string
  /** Text that occurs exactly once in the file, and what the mistake makes of it. */
  readonly find: string
  readonly replace: string
  /** Whose work it is to find it; random interleavings by default. */
  readonly foundBy?: 'cancels' | 'deadlines'
}

/**
 * Mistakes that must not survive: `planted-defects.test.ts` plants each in a copy of the engine, and random histories on the
 * content-checking device have to find it.
 */
export const plantedDefects: readonly PlantedDefect[] = [
  {
    name: 'publishes a half-filled page',
    file: 'cache/kv-cache.ts',
    find: 'const complete = Math.floor(completeTokens / this.pageTokens)',
    replace: 'const complete = Math.ceil(completeTokens / this.pageTokens)',
  },
  {
    name: 'publishes what a failed step should have written',
    file: 'scheduler/scheduler.ts',
    find: "if (sequence.status !== 'running' || failed) continue",
    replace: "if (sequence.status !== 'running') continue",
  },
  {
    name: 'publishes pages that a step in flight still computes',
    file: 'scheduler/scheduler.ts',
    find: 'sequence.complete = start + tokens\n',
    replace: 'sequence.complete = sequence.computed\n',
  },
  {
    name: 'forgets the salt in the key',
    file: 'cache/cache-prefix.ts',
    find: 'JSON.stringify([model, ropeVariant, salt, adapter])',
    replace: 'JSON.stringify([model, ropeVariant, adapter])',
  },
  {
    name: 'forgets the rope variant in the key',
    file: 'cache/cache-prefix.ts',
    find: 'JSON.stringify([model, ropeVariant, salt, adapter])',
    replace: 'JSON.stringify([model, salt, adapter])',
  },
  {
    name: 'counts one page too many as matched',
    file: 'cache/page-offer.ts',
    find: 'if (isUsable) usable = count\n',
    replace: 'if (isUsable) usable = Math.min(count + 1, nodes.length)\n',
  },
  {
    name: 'takes more tokens as cached than the pages hold',
    file: 'cache/page-offer.ts',
    find: 'const tokens = pages * pageTokens + (partial?.tokens ?? 0)',
    replace: 'const tokens = pages * pageTokens + (partial?.tokens ?? 0) + (pages > 0 ? 1 : 0)',
  },
  {
    name: 'reuses the whole prompt and leaves nothing to compute',
    file: 'cache/kv-cache.ts',
    find: 'const most = Math.min(mostTokens, prefix.length - 1)',
    replace: 'const most = Math.min(mostTokens, prefix.length)',
  },
  {
    name: 'reuses a page of a window pool that was evicted',
    file: 'cache/page-offer.ts',
    find: 'if (run[k]! < count - first) isUsable = false',
    replace: 'if (run[k]! < count - first - 1) isUsable = false',
  },
  {
    name: 'gives a window page back one token early',
    file: 'cache/page-offer.ts',
    find: 'Math.floor(Math.max(0, position - window + 1) / pageTokens)',
    replace: 'Math.floor(Math.max(0, position - window + 2 + pageTokens) / pageTokens)',
  },
  {
    name: 'gives window pages back before the step that sees them has retired',
    file: 'scheduler/scheduler.ts',
    find: 'this.#cache.trim(sequence.slot, sequence.complete)',
    replace: 'this.#cache.trim(sequence.slot, sequence.computed + 1)',
  },
  {
    name: 'lends a page before its last step has retired',
    file: 'cache/lease-pool.ts',
    find: 'if (lastStep <= this.#retiredStep) {',
    replace: 'if (lastStep <= this.#retiredStep + 1) {',
  },
  {
    name: 'evicts a page that a step in flight may read',
    file: 'cache/page-pool.ts',
    find: 'return node.lastStep[this.index]! <= this.#retiredStep\n',
    replace: 'return node.lastStep[this.index]! <= this.#retiredStep + 1\n',
  },
  {
    name: 'forgets which step may still read a dropped page',
    file: 'cache/page-pool.ts',
    find: 'node.lastStep[index] = Math.max(node.lastStep[index]!, lastStep)',
    replace: 'node.lastStep[index] = 0',
  },
  {
    name: 'gives a page back twice',
    file: 'cache/kv-cache.ts',
    find: 'if (isPrivate) pool.giveBack(page, slot, lastStep)',
    replace: 'pool.giveBack(page, slot, lastStep)',
  },
  {
    name: 'leaks the private copy of a page that another slot published first',
    file: 'cache/kv-cache.ts',
    find: 'if (isPrivate) pool.giveBack(page, slot, lastStep)',
    replace: 'if (isPrivate && !node) pool.giveBack(page, slot, lastStep)',
  },
  {
    name: 'evicts a page that slots hold',
    file: 'cache/page-pool.ts',
    find: 'return node.isAttached && node.pages[this.index]! >= 0 && node.refs[this.index] === 0',
    replace: 'return node.isAttached && node.pages[this.index]! >= 0 && node.refs[this.index]! <= 1',
  },
  {
    name: 'evicts a page before those behind it',
    file: 'cache/published-pages.ts',
    find: 'return pool.spec.window > 0 || node.children.size === 0',
    replace: 'return true',
  },
  {
    name: 'forgets to hold what it claims',
    file: 'cache/kv-cache.ts',
    find: 'if (i >= first) pool.hold(node)',
    replace: 'if (i > first) pool.hold(node)',
  },
  {
    name: 'overwrites the node of another slot when it publishes the same tokens',
    file: 'cache/kv-cache.ts',
    find: 'if (node.pages[k]! < 0) pool.publish(node, pages.tables[k]![index]!, slot)',
    replace: 'if (true) pool.publish(node, pages.tables[k]![index]!, slot)',
  },
  {
    name: 'does not say that a parent has become a leaf',
    file: 'cache/published-pages.ts',
    find: 'for (const each of this.#pools) if (each.isIdle(parent)) this.#line(each, parent)',
    replace: '',
  },
  {
    name: 'sends a stale page table: reused pages are not written',
    file: 'step/step-builder.ts',
    find: 'const numPages = reusedPages + newPages',
    replace: 'const numPages = newPages',
  },
  {
    name: 'writes new pages one entry too far',
    file: 'scheduler/chunk.ts',
    find: 'firstNewPage: heldPages - reusedPages,',
    replace: 'firstNewPage: heldPages - reusedPages + (reusedPages > 0 ? 1 : 0),',
  },
  {
    name: 'does not charge idle pages that come into use',
    file: 'scheduler/page-ledger.ts',
    find: 'this.#free[k]! -= offer.idle[k]! + count',
    replace: 'this.#free[k]! -= count',
  },
  {
    name: 'takes promised pages for somebody new',
    file: 'scheduler/page-ledger.ts',
    find: 'const room = this.#free[k]! - this.#promised[k]! - offer.idle[k]! - offer.shared[k]!',
    replace: 'const room = this.#free[k]! - offer.idle[k]! - offer.shared[k]!',
  },
  {
    name: 'keeps the position of a paused sequence',
    file: 'scheduler/scheduler.ts',
    find: 'sequence.delivered = deliveredWith(sequence, offer)',
    replace: 'sequence.delivered = sequence.length',
  },
  {
    name: 'reuses pages though every prompt position wants logits',
    file: 'scheduler/schedule.ts',
    find: 'return sequence.promptRows ? Math.min(tokens, sequence.logitsAsked) : tokens',
    replace: 'return tokens',
  },
  {
    name: 'takes up offers after pages were lent',
    file: 'scheduler/scheduler.ts',
    find: 'for (const admission of batch.admit) this.#admit(admission, nowMs)\n    for (const item of batch.work) this.#commit(item, number)',
    replace:
      'const isIn = (item) => item.sequence.slot >= 0\n    const early = batch.work.filter(isIn)\n    for (const item of early) this.#commit(item, number)\n    for (const admission of batch.admit) this.#admit(admission, nowMs)\n    for (const item of batch.work) if (!early.includes(item)) this.#commit(item, number)',
  },
  {
    name: 'ends a paused sequence and keeps it in the line',
    file: 'scheduler/scheduler.ts',
    find: "if (status === 'paused') this.#paused.ended()",
    replace: '',
  },
  {
    name: 'never forgets that a cancelled sequence was computing a prefix',
    file: 'cache/kv-cache.ts',
    find: 'for (const hash of pages.coming) this.#comeDown(hash)\n',
    replace: '',
  },
  {
    name: 'copies one token too few of a page',
    file: 'cache/kv-cache.ts',
    find: 'tokens: partial.tokens }',
    replace: 'tokens: partial.tokens - 1 }',
  },
  {
    name: 'lets the page go that a step in flight copies from',
    file: 'cache/kv-cache.ts',
    find: 'this.#published.drop(pool, partial.node, step)',
    replace: 'this.#published.drop(pool, partial.node, 0)',
  },
  {
    name: 'keeps the pages of one in fifty that end',
    file: 'scheduler/scheduler.ts',
    find: 'this.#running.ended()\n      this.#giveBack(sequence)',
    replace: 'this.#running.ended()\n      if (sequence.arrival % 50 !== 7) this.#giveBack(sequence)',
    foundBy: 'cancels',
  },
  {
    name: 'lets deadlines pass only after the next step was chosen',
    file: 'engine.ts',
    find: 'const nextDeadlineMs = this.#requests.expire(clock.nowMs())\n    while (!this.#fault && this.#pipeline.hasRoom && this.#submitNext());',
    replace:
      'while (!this.#fault && this.#pipeline.hasRoom && this.#submitNext());\n    const nextDeadlineMs = this.#requests.expire(clock.nowMs())',
    foundBy: 'deadlines',
  },
  {
    name: 'sets a timer for each deadline and clears none',
    file: 'engine.ts',
    find: 'this.#send()\n    this.#cancelTimer?.()',
    replace: 'this.#send()',
    foundBy: 'deadlines',
  },
  {
    name: 'scores a prompt token by the one behind the next',
    file: 'step/step-builder.ts',
    find: 'promptIds[position + 1]!',
    replace: 'promptIds[position + 2]!',
  },
  {
    name: 'tells of the logprobs of the wrong rows',
    file: 'step/read-step.ts',
    find: 'results.promptLogprobs(firstRow, scored, firstPosition + 1, numTop)',
    replace: 'results.promptLogprobs(firstRow + 1, scored, firstPosition + 1, numTop)',
  },
  {
    name: 'reuses pages though every prompt token is to be scored',
    file: 'live-request.ts',
    find: 'promptRows: this.setup.numPromptLogprobs !== undefined || this.setup.promptLogits,',
    replace: 'promptRows: this.setup.promptLogits,',
  },
  {
    name: 'takes the logits of another row for those of a new token',
    file: 'step/read-step.ts',
    find: 'const hasLogits = samples && wanted[0]?.firstRow === last',
    replace: 'const hasLogits = samples && wanted.length > 0',
  },
  {
    name: 'lets a fork write into the tokens that it was forked from',
    file: 'scheduler/sequence.ts',
    find: 'const generatedIds = [...from.generatedIds]',
    replace: 'const generatedIds = from.generatedIds as number[]',
  },
  {
    name: 'keeps a dropped beam among those of its request',
    file: 'request-table.ts',
    find: 'live.sequences.delete(sequence)\n',
    replace: '',
  },
  {
    name: 'ends one beam of a search that is cancelled',
    file: 'request-table.ts',
    find: 'for (const sequence of live.sequences) this.#scheduler.finish(sequence)',
    replace: 'this.#scheduler.finish(live.first)',
  },
  {
    name: 'lets beams wait for the room of those that wait for them',
    file: 'scheduler/schedule.ts',
    find: 'if (this.#work.length === 0) this.#makeRoom()\n',
    replace: '',
  },
  {
    name: 'takes beams in the order in which they were computed',
    file: 'choosing/beam-chooser.ts',
    find: 'const candidates = this.#beams.map((beam) => this.#reports.get(beam)!)',
    replace: 'const candidates = [...this.#reports.values()]',
  },
  {
    name: 'counts one token too few of an answer that a stop id ends',
    file: 'live-request.ts',
    find: "if (mayStop && this.#endIds.has(token)) return { reason: 'stop', stopId: token }",
    replace:
      "if (mayStop && this.#endIds.has(token)) {\n      this.completionTokens--\n      return { reason: 'stop', stopId: token }\n    }",
  },
  {
    name: 'tells of what it reused after the last pause as cached',
    file: 'scheduler/scheduler.ts',
    find: 'if (isNew) sequence.cachedTokens = offer.tokens',
    replace: 'sequence.cachedTokens += offer.tokens + (isNew ? 0 : 1)',
  },
  {
    name: 'counts tokens that are told to nobody',
    file: 'token-intake.ts',
    find: 'this.#stats.counters.overrunRows++',
    replace: 'this.#stats.counters.generatedTokens++',
  },
  {
    name: 'takes a second answer for a token that it asked for once',
    file: 'token-intake.ts',
    find: 'live.awaited = undefined\n',
    replace: '',
  },
]
