/** One thing the selftest looked at beside the ops. */
export interface Check {
  readonly name: string
  /** What was seen. */
  readonly detail: string
  readonly ms: number
  /** Set where it failed: what was expected and found. */
  readonly failure?: string
}
