import { Environment, Interpreter, parse, tokenize } from '@huggingface/jinja'

/** Names every template has, as Jinja spells them. */
const constants = { true: true, false: false, none: null, True: true, False: false, None: null }

/** A Jinja template in the dialect of chat templates: blocks eat the line break behind them and the space before. */
export class CompiledTemplate {
  readonly #program: ReturnType<typeof parse>

  /** @throws Error where the text does not parse. */
  constructor(text: string) {
    this.#program = parse(tokenize(text, { lstrip_blocks: true, trim_blocks: true }))
  }

  /** The text for these variables and functions. @throws Error where the template uses what there is not. */
  render(variables: Readonly<Record<string, unknown>>): string {
    const environment = new Environment()
    for (const [name, value] of Object.entries({ ...variables, ...constants, range }))
      environment.set(name, value)
    return String(new Interpreter(environment).run(this.#program).value)
  }
}

/** Python's range. */
function range(first: number, end?: number, step = 1): number[] {
  const [from, to] = end === undefined || end === null ? [0, first] : [first, end]
  if (step === 0) throw new Error('range() step must not be zero')
  return Array.from({ length: Math.max(0, Math.ceil((to - from) / step)) }, (_, i) => from + i * step)
}
