/** Declares the verbs that look at a cluster. What they do is in commands/, loaded only when it is asked for. */
import { type Command, Option } from 'commander'
import type { Io } from '../terminal/io.ts'
import { brokerList, type Exit, examples, positive } from './command-line.ts'

const brokersOption = [
  '--brokers <host:port,...>',
  'the cluster (default: that of a running `pyrallel dev` here, else of the config)',
  brokerList,
] as const
const jsonOption = ['--json', 'print one JSON document'] as const

export function addClusterVerbs(program: Command, io: Io, exit: Exit): void {
  addDoctor(program, io, exit)
  addTopics(program, io, exit)
  addInspect(program, io, exit)
}

function addDoctor(program: Command, io: Io, exit: Exit): void {
  program
    .command('doctor')
    .description('Look at everything that must be right: Node, Kafka client, config, broker, topics, concurrency.')
    .option(...brokersOption)
    .option(...jsonOption)
    .addHelpText('after', examples(['pyrallel doctor', 'pyrallel doctor --brokers kafka-1:9092 --json']))
    .action(async (options: Parameters<typeof import('./doctor.ts').doctor>[0]) => {
      const { doctor } = await import('./doctor.ts')
      exit(await doctor(options, io))
    })
}

function addTopics(program: Command, io: Io, exit: Exit): void {
  program
    .command('topics')
    .description(
      'Compare the topics that the handlers need with those of the cluster. Exits with 3 when some are missing.',
    )
    .option('--create', 'create what is missing; what exists is never changed')
    .addOption(new Option('--partitions <n>', 'of topics that are created').argParser(positive).default(4))
    .option(...brokersOption)
    .option(...jsonOption)
    .addHelpText(
      'after',
      examples(['pyrallel topics', 'pyrallel topics --create --partitions 12 --brokers kafka-1:9092']),
    )
    .action(async (options: Parameters<typeof import('./topics.ts').topics>[0]) => {
      const { topics } = await import('./topics.ts')
      exit(await topics(options, io))
    })
}

function addInspect(program: Command, io: Io, exit: Exit): void {
  const inspect = program
    .command('inspect')
    .description('Look at what is stored on a cluster.')
    .addHelpText('after', examples(['pyrallel inspect offsets shop']))
    .action(() => inspect.help({ error: true }))
  inspect
    .command('offsets')
    .description('Show position, lag and the decoded commit metadata of any group, whoever has written it.')
    .argument('<group>', 'the consumer group')
    .option('--topic <name>', 'of this topic only')
    .option(...brokersOption)
    .option(...jsonOption)
    .addHelpText(
      'after',
      examples(['pyrallel inspect offsets shop', 'pyrallel inspect offsets shop --topic orders.created --json']),
    )
    .action(async (group: string, options: Parameters<typeof import('./inspect-offsets.ts').inspectOffsets>[1]) => {
      const { inspectOffsets } = await import('./inspect-offsets.ts')
      exit(await inspectOffsets(group, options, io))
    })
}
