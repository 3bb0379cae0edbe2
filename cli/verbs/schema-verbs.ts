/** Declares the verbs that ask a schema registry. What they do is in commands/, loaded only when it is asked for. */
import type { Command } from 'commander'
import type { Io } from '../terminal/io.ts'
import { type Exit, examples } from './command-line.ts'

const jsonOption = ['--json', 'print one JSON document'] as const

export function addSchemaVerbs(program: Command, io: Io, exit: Exit): void {
  const schemas = program
    .command('schemas')
    .description('Types of values from a schema registry (registry.url of the config).')
    .addHelpText(
      'after',
      examples(['pyrallel schemas pull orders-value', 'pyrallel schemas check', 'pyrallel schemas push --dry-run']),
    )
    .action(() => schemas.help({ error: true }))
  schemas
    .command('pull')
    .description('Write the latest schema of each subject into generated/registry/, with the types of its values.')
    .argument('[subjects...]', 'which ones (default: all that were pulled before)')
    .option(
      '--message <name>',
      'of Protobuf: which message the values are, such as shop.Order (default: as pulled before, or the first)',
    )
    .option(...jsonOption)
    .addHelpText(
      'after',
      examples([
        'pyrallel schemas pull orders-value payments-value',
        'pyrallel schemas pull',
        'pyrallel schemas pull orders-value --message shop.Order',
        'pyrallel schemas pull --json',
      ]),
    )
    .action(async (subjects: readonly string[], options: Parameters<typeof import('./schemas.ts').pullSchemas>[1]) => {
      const { pullSchemas } = await import('./schemas.ts')
      exit(await pullSchemas(subjects, options, io))
    })
  schemas
    .command('push')
    .description(
      "Register what the project's own types say, as JSON Schema of the subjects <topic>-value. Exits with 3, with nothing registered, when one is not compatible.",
    )
    .argument('[topics...]', 'which ones (default: all whose values have a type of the project)')
    .option('--dry-run', 'only say what would be registered')
    .option(...jsonOption)
    .addHelpText('after', examples(['pyrallel schemas push --dry-run', 'pyrallel schemas push orders']))
    .action(async (topics: readonly string[], options: Parameters<typeof import('./schemas.ts').pushSchemas>[1]) => {
      const { pushSchemas } = await import('./schemas.ts')
      exit(await pushSchemas(topics, options, io))
    })
  schemas
    .command('check')
    .description(
      'Compare what was pulled with the registry. Exits with 3 when values of its latest schema cannot be read, or a file is not as it was pulled.',
    )
    .option(...jsonOption)
    .addHelpText('after', examples(['pyrallel schemas check', 'pyrallel schemas check --json']))
    .action(async (options: Parameters<typeof import('./schemas.ts').checkSchemas>[0]) => {
      const { checkSchemas } = await import('./schemas.ts')
      exit(await checkSchemas(options, io))
    })
}
