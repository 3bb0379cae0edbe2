/** Declares the verbs that explain the command itself. What they do is in commands/, loaded only when it is asked for. */
import { Argument, type Command } from 'commander'
import { type Shell, shells } from '../completion/scripts.ts'
import type { Io } from '../terminal/io.ts'
import { type Exit, examples } from './command-line.ts'

export function addLearningVerbs(program: Command, io: Io, exit: Exit): void {
  addDocs(program, io, exit)
  addCompletion(program, io, exit)
}

function addDocs(program: Command, io: Io, exit: Exit): void {
  program
    .command('docs')
    .description('Explain an error code: when it comes, why, and what to do. Needs no network.')
    .argument('[code]', 'such as PYR_SCHEMA (default: list them all)')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      examples(['pyrallel docs', 'pyrallel docs PYR_NATIVE_MISSING', 'pyrallel docs schema --json']),
    )
    .action(async (code: string | undefined, options: { readonly json?: boolean }) => {
      const { docs } = await import('./docs.ts')
      exit(docs(code, options, io))
    })
}

function addCompletion(program: Command, io: Io, exit: Exit): void {
  program
    .command('completion')
    .description('Print a script that lets your shell complete verbs, options and values.')
    .addArgument(new Argument('<shell>', 'which one').choices(shells))
    .addHelpText(
      'after',
      examples([
        'pyrallel completion bash >> ~/.bashrc',
        'pyrallel completion zsh > ~/.zfunc/_pyrallel',
        'pyrallel completion fish > ~/.config/fish/completions/pyrallel.fish',
      ]),
    )
    .action(async (shell: Shell) => {
      const { completion } = await import('./completion.ts')
      exit(completion(shell, program, io))
    })
}
