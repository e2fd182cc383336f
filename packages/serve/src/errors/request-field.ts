/** The facade's and the engine's names that are more than another spelling of the request's. */
const names: Readonly<Record<string, string>> = {
  stopIds: 'stop_token_ids',
  topPResetId: 'top_p_reset_ids',
  promptIds: 'prompt',
  deadlineMs: 'timeout',
}

/** The name a request has for a field of the lower rooms: `topK` is `top_k`. An index goes with the name. */
export function requestField(field: string): string {
  const [, name = '', index = ''] = /^(\w*)(.*)$/s.exec(field) ?? []
  const known = Object.hasOwn(names, name) ? names[name] : undefined
  return (known ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)) + index
}
