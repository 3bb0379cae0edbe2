/** The `pyrallel` command: its verbs, their flags and help. What a verb does is in commands/, loaded only when it is asked for. */
import { Command, CommanderError, Option } from 'commander'
import { PyrallelError } from '../framework/model/errors.ts'
import { version } from './project/version.ts'
import { isOutputClosed } from './terminal/closable-output.ts'
import { errorBlock, errorJson, exitCodeOf, exitCodes, failuresOf } from './terminal/failure.ts'
import { hasColor, type Io } from './terminal/io.ts'
import { painter } from './terminal/paint.ts'
import { addClusterVerbs } from './verbs/cluster-verbs.ts'
import { brokerList, collect, type Exit, examples, exitCodesHelp, natural, positive } from './verbs/command-line.ts'
import { addDlqVerbs } from './verbs/dlq-verbs.ts'
import { addLearningVerbs } from './verbs/learning-verbs.ts'
import { addProductionVerbs } from './verbs/production-verbs.ts'
import { addSchemaVerbs } from './verbs/schema-verbs.ts'

/** Runs one command line and returns the exit code. Never throws, never ends the process by itself. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const paint = painter(hasColor(io.stderr, io.env))
  let exitCode: number = exitCodes.fine
  const program = build(io, (code) => {
    exitCode = code
  })
  try {
    if (argv.length === 0) program.outputHelp()
    else await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.fine : exitCodes.usage
    const failures = failuresOf(error).filter((failure) => !isOutputClosed(failure))
    if (failures.length === 0) return exitCodes.fine
    const told = new AggregateError(failures)
    const isJson = argv.includes('--json')
    io.stderr.write(isJson ? errorJson(told) : errorBlock(told, paint, (io.env.DEBUG ?? '') !== ''))
    return exitCodeOf(told)
  }
}

function build(io: Io, exit: Exit): Command {
  const paint = painter(hasColor(io.stderr, io.env))
  const program = new Command('pyrallel')
    .description('Serverless-style handlers for Apache Kafka.')
    .version(version(), '-V, --version', 'print the version')
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) => {
        const message = text.replace(/^error: /, '').trim()
        write(errorBlock(new PyrallelError('PYR_USAGE', message), paint, false))
      },
      getOutHasColors: () => hasColor(io.stdout, io.env),
      getErrHasColors: () => hasColor(io.stderr, io.env),
    })
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('  Next: --help shows what can be written.')
    .helpCommand(false)
    .addHelpText(
      'after',
      examples([
        'pyrallel dev',
        'pyrallel send users.signed-up \'{"userId":"u1"}\' --key u1',
        'pyrallel generate --check',
      ]),
    )
    .addHelpText('after', exitCodesHelp)
  addDev(program, io, exit)
  addGenerate(program, io, exit)
  addSchemaVerbs(program, io, exit)
  addSend(program, io, exit)
  addStatus(program, io, exit)
  addDlqVerbs(program, io, exit)
  addProductionVerbs(program, io, exit)
  addClusterVerbs(program, io, exit)
  addLearningVerbs(program, io, exit)
  return program
}

function addDev(program: Command, io: Io, exit: Exit): void {
  program
    .command('dev')
    .description('Run the handlers here, with a broker of their own, and show what happens to every record.')
    .addOption(
      new Option('--brokers <host:port,...>', 'use this cluster instead of the embedded broker')
        .conflicts('broker')
        .argParser(brokerList),
    )
    .addOption(
      new Option(
        '--broker <kind>',
        'the broker to start: embedded speaks the Kafka protocol on a port, memory needs no Kafka client',
      )
        .choices(['embedded', 'memory'])
        .default('embedded'),
    )
    .option('--registry <url>', 'ask this schema registry (default: registry.url of the config, else one of its own)')
    .option('--traffic [file]', 'produce records from a traffic file (default: handlers/_traffic.ts)')
    .addOption(
      new Option('--records <n>', 'produce so many, then stop with a summary (implies --traffic)').argParser(positive),
    )
    .addOption(
      new Option(
        '--rate <n>',
        'records per second (default: 200, with --records as fast as they are handled)',
      ).argParser(positive),
    )
    .addOption(new Option('--seed <n>', 'another seed makes other traffic').argParser(natural).default(1))
    .option('--json', 'print NDJSON: one object per event')
    .addHelpText(
      'after',
      examples([
        'pyrallel dev',
        'pyrallel dev --traffic',
        'pyrallel dev --traffic --records 5000',
        'pyrallel dev --brokers localhost:9092',
      ]),
    )
    .action(async (options: Parameters<typeof import('./verbs/dev.ts').dev>[0]) => {
      const { dev } = await import('./verbs/dev.ts')
      exit(await dev(options, io))
    })
}

function addGenerate(program: Command, io: Io, exit: Exit): void {
  program
    .command('generate')
    .description('Write generated/ from handlers/.')
    .option('--check', 'write nothing; exit with 3 and a diff when generated/ is stale')
    .addOption(
      new Option('--accept <what>', 'offsets: write although the topic, group, id or ordering of a handler has changed')
        .choices(['offsets'])
        .conflicts('check'),
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      examples(['pyrallel generate', 'pyrallel generate --check', 'pyrallel generate --accept offsets']),
    )
    .action(async (options: Parameters<typeof import('./verbs/generate.ts').generateCommand>[0]) => {
      const { generateCommand } = await import('./verbs/generate.ts')
      exit(await generateCommand(options, io))
    })
}

function addSend(program: Command, io: Io, exit: Exit): void {
  program
    .command('send')
    .description("Produce a record, checked against its topic's schema where a handler declares one.")
    .argument('<topic>', 'where to')
    .argument('[value]', 'JSON, @file, or - for standard input; null is a tombstone')
    .option(
      '--key <key>',
      "the record's key, JSON where the topic has a keyFormat (default: the topic's own key of the value)",
    )
    .option('--header <name=value>', 'a header; may be repeated', collect)
    .addOption(new Option('--count <n>', 'send so many').argParser(positive).default(1))
    .addOption(new Option('--rate <n>', 'so many per second (default: at once)').argParser(positive))
    .option('--fake', "make values up that satisfy the topic's schema")
    .addOption(new Option('--seed <n>', 'with --fake: another seed makes other values').argParser(natural).default(1))
    .option(
      '--brokers <host:port,...>',
      'the cluster (default: that of a running `pyrallel dev` here, else kafka.brokers of the config)',
      brokerList,
    )
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      examples([
        'pyrallel send users.signed-up \'{"userId":"u1","email":"ada@example.com"}\' --key u1',
        'pyrallel send orders.created @order.json --header source=test --count 10',
        'pyrallel send orders.created --fake --count 1000 --rate 50',
        'echo null | pyrallel send orders.created - --key c1',
      ]),
    )
    .action(
      async (
        topic: string,
        value: string | undefined,
        options: Parameters<typeof import('./verbs/send.ts').send>[2],
      ) => {
        const { send } = await import('./verbs/send.ts')
        exit(await send(topic, value, options, io))
      },
    )
}

function addStatus(program: Command, io: Io, exit: Exit): void {
  program
    .command('status')
    .description('Show what a running process is doing: lag, gaps, and what blocks each partition.')
    .option('--url <url>', 'where it answers (default: http.host and http.port of the config)')
    .option('--watch', 'again every second, until Ctrl-C')
    .option('--json', 'print the snapshot as one JSON document, with --watch one in each line')
    .addHelpText(
      'after',
      examples(['pyrallel status', 'pyrallel status --watch', 'pyrallel status --url http://127.0.0.1:9464 --json']),
    )
    .action(async (options: Parameters<typeof import('./verbs/status.ts').status>[0]) => {
      const { status } = await import('./verbs/status.ts')
      exit(await status(options, io))
    })
}
