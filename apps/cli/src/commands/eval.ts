import type { Command } from '../command.js'
import { configureExactMatch } from './eval-exact-match.js'
import { configureLogits } from './eval-logits.js'
import { configurePerplexity } from './eval-perplexity.js'

/** `trtllm eval`: how right a model is, by three measures. */
export const evaluate: Command = {
  name: 'eval',
  summary: 'Measure a model: right answers, logits of a reference, or perplexity.',
  example: 'eval exact-match --model ./model --dataset questions.json',
  configure(program, cli) {
    configureExactMatch(program.command('exact-match'), cli)
    configureLogits(program.command('logits'), cli)
    configurePerplexity(program.command('perplexity'), cli)
  },
}
