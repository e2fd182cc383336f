import type { Command } from './command.js'
import { bench } from './commands/bench.js'
import { chat } from './commands/chat.js'
import { doctor } from './commands/doctor.js'
import { evaluate } from './commands/eval.js'
import { generate } from './commands/generate.js'
import { plan } from './commands/plan.js'
import { pull } from './commands/pull.js'
import { selftest } from './commands/selftest.js'

/** Every command, in the order of --help. */
export const commands: readonly Command[] = [generate, chat, pull, plan, evaluate, bench, doctor, selftest]
