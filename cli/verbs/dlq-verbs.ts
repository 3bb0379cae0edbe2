/** Declares `pyrallel dlq` and its verbs. What they do is in commands/dlq.ts, loaded only when it is asked for. */
import { type Command, Option } from 'commander'
import type { Io } from '../terminal/io.ts'
import { brokerList, collect, type Exit, examples, natural, positive } from './command-line.ts'

type Verbs = typeof import('./dlq.ts') & typeof import('./dlq-replay.ts')

export function addDlqVerbs(program: Command, io: Io, exit: Exit): void {
  const dlq = program
    .command('dlq')
    .description('Look into dead-letter topics, of whatever tool, and publish what is in them again.')
    .helpCommand(false)
    .addHelpText(
      'after',
      examples(['pyrallel dlq list orders.created.shop.dlq', 'pyrallel dlq replay orders.created.shop.dlq --dry-run']),
    )
  addList(dlq, io, exit)
  addShow(dlq, io, exit)
  addReplay(dlq, io, exit)
}

function addList(dlq: Command, io: Io, exit: Exit): void {
  withSelection(dlq.command('list'))
    .description('Count dead letters by error, and show the newest.')
    .argument('<topic>', 'the dead-letter topic')
    .addOption(new Option('--limit <n>', 'show so many one by one').argParser(natural).default(20))
    .option('--brokers <host:port,...>', 'the cluster (default: as for `pyrallel send`)', brokerList)
    .option('--json', 'print NDJSON: one object per dead letter, without its value')
    .addHelpText(
      'after',
      examples([
        'pyrallel dlq list orders.created.shop.dlq',
        'pyrallel dlq list orders.created.shop.dlq --error "card declined" --since 2h',
      ]),
    )
    .action(async (topic: string, options: Parameters<Verbs['list']>[1]) => {
      const { list } = await import('./dlq.ts')
      exit(await list(topic, options, io))
    })
}

function addShow(dlq: Command, io: Io, exit: Exit): void {
  dlq
    .command('show')
    .description('Show one dead letter: where it came from, why it failed, its stack and its value.')
    .argument('<topic>', 'the dead-letter topic')
    .argument('<place>', 'partition/offset, as `dlq list` prints it')
    .option('--brokers <host:port,...>', 'the cluster (default: as for `pyrallel send`)', brokerList)
    .option('--json', 'print one JSON document')
    .addHelpText('after', examples(['pyrallel dlq show orders.created.shop.dlq 2/44']))
    .action(async (topic: string, place: string, options: Parameters<Verbs['show']>[2]) => {
      const { show } = await import('./dlq.ts')
      exit(await show(topic, place, options, io))
    })
}

function addReplay(dlq: Command, io: Io, exit: Exit): void {
  withSelection(dlq.command('replay'))
    .description(
      'Publish dead letters to the topic they came from. Marks what is acknowledged, deletes nothing, goes on where it was interrupted.',
    )
    .argument('<topic>', 'the dead-letter topic')
    .option('--dry-run', 'publish nothing; show what would be published, and where')
    .option('--to <topic>', 'publish there instead of to the topic that each came from')
    .addOption(
      new Option(
        '--allow-target <topic>',
        'let headers name this topic, which is neither in generated/ nor in the name of the dead-letter topic; may be repeated',
      ).argParser(collect),
    )
    .addOption(
      new Option('--rate <n>', 'records per second (default: as fast as they are acknowledged)').argParser(positive),
    )
    .addOption(new Option('--limit <n>', 'publish so many at most').argParser(positive))
    .addOption(
      new Option('--max-replays <n>', 'leave out what was replayed so often already (default: 3)').argParser(positive),
    )
    .option('--brokers <host:port,...>', 'the cluster (default: as for `pyrallel send`)', brokerList)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      examples([
        'pyrallel dlq replay orders.created.shop.dlq --dry-run',
        'pyrallel dlq replay orders.created.shop.dlq --error TimeoutError --rate 50',
        'pyrallel dlq replay orders.created.shop.dlq --at 2/44 --to orders.created.repaired',
      ]),
    )
    .action(async (topic: string, options: Parameters<Verbs['replayLetters']>[1]) => {
      const { replayLetters } = await import('./dlq-replay.ts')
      exit(await replayLetters(topic, options, io))
    })
}

function withSelection(command: Command): Command {
  return command
    .option('--error <text>', "only those whose error's name, message or fingerprint has this in it")
    .option('--handler <id>', 'only those of this handler')
    .option('--key <key>', 'only those with this key')
    .option('--key-base64 <bytes>', 'the same for a key that is no text, as `dlq show` prints it')
    .option(
      '--since <time>',
      'only those that failed since: a date, or how long ago (2h). By the time of the record, where a tool tells no other',
    )
    .option('--until <time>', 'only those that failed before')
    .option('--at <partition/offset>', 'only the one at this place')
}
