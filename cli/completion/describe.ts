/** What can be completed, read from the command's own declarations. Plain data; writes no script. */
import type { Command } from 'commander'

export interface CompletedOption {
  /** `--count`, and `-y` where there is one. */
  readonly flags: readonly string[]
  readonly description: string
  readonly takesValue: boolean
  readonly choices: readonly string[]
}

export interface CompletedVerb {
  /** One word, or two for a verb below another: `inspect offsets`. */
  readonly words: readonly string[]
  readonly description: string
  readonly options: readonly CompletedOption[]
  /** Of its first argument. */
  readonly choices: readonly string[]
}

/** Verbs that have others below them are listed themselves too. */
export function describeCommand(program: Command): readonly CompletedVerb[] {
  return program.commands.flatMap((command) => describeVerb(command, []))
}

function describeVerb(command: Command, above: readonly string[]): readonly CompletedVerb[] {
  const words = [...above, command.name()]
  const below = command.commands.flatMap((each) => describeVerb(each, words))
  const options = command.createHelp().visibleOptions(command)
  return [
    {
      words,
      description: command.description(),
      options: options.map(({ short, long, description, required, optional, argChoices }) => ({
        flags: [short, long].filter((flag) => flag !== undefined),
        description,
        takesValue: required || optional,
        choices: argChoices ?? [],
      })),
      choices: [...command.commands.map((each) => each.name()), ...(command.registeredArguments[0]?.argChoices ?? [])],
    },
    ...below,
  ]
}
