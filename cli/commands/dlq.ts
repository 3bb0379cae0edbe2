/** `pyrallel dlq list | show | replay`: looks into a dead-letter topic, and publishes what is in it again. Never deletes. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaClient, KafkaConnection, ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import { type Connect, chooseCluster, connectNative } from '../cluster/connect.ts'
import { type DeadLetter, readDeadLetter } from '../dlq/dead-letter.ts'
import { groupLine, LetterGroups, letterBlock, letterJson, letterLine } from '../dlq/letter-text.ts'
import { NewestLetters } from '../dlq/newest-letters.ts'
import { readToEnd, whilePolling } from '../dlq/read-topic.ts'
import { type ReplayReport, replay, replayGroup, replayMarks } from '../dlq/replay.ts'
import { readPlace, type SelectionOptions, selectionOf } from '../dlq/selection.ts'
import { exitCodes } from '../failure.ts'
import { hasColor, type Io } from '../io.ts'
import { type Paint, painter } from '../paint.ts'
import { listenToStopSignals } from '../stop-signals.ts'

export interface ClusterOptions {
  readonly brokers?: string
  readonly json?: boolean
}

export interface ListOptions extends ClusterOptions, SelectionOptions {
  /** The most records to show one by one. */
  readonly limit: number
}

export interface ReplayOptions extends ClusterOptions, SelectionOptions {
  readonly to?: string
  readonly limit?: number
  readonly rate?: number
  readonly dryRun?: boolean
}

const CHECK_TIMEOUT_MS = 5_000
const CLOSE_TIMEOUT_MS = 10_000
const PREVIEW_LINES = 10
const MAX_POLL = 500

export async function list(
  topic: string,
  options: ListOptions,
  io: Io,
  connect: Connect = connectNative,
): Promise<number> {
  const isSelected = selectionOf(options, Date.now())
  return withTopic(topic, options, io, connect, async (connection) => {
    const groups = new LetterGroups()
    const isReplayed = replayMarks(await connection.view.groupOffsets(replayGroup(topic)), topic)
    const newest = new NewestLetters(options.limit)
    let [count, selected, replayed] = [0, 0, 0]
    await browse(connection, topic, (letter) => {
      count += 1
      if (!isSelected(letter)) return true
      selected += 1
      const mark = isReplayed(letter.record)
      if (mark) replayed += 1
      if (options.json === true) {
        io.stdout.write(`${JSON.stringify({ ...letterJson(letter, false), isReplayed: mark })}\n`)
      }
      groups.add(letter)
      newest.add(letter)
      return true
    })
    if (options.json === true) return exitCodes.fine
    const paint = painter(hasColor(io.stdout, io.env))
    const of = selected === count ? '' : ` of ${count}`
    const marked = replayed === 0 ? '' : `, ${replayed} of them replayed`
    const shown = newest.all()
    const lines = [
      `${topic}: ${selected}${of} dead letters${marked}`,
      ...groups.all().map((group) => groupLine(group, paint)),
    ]
    if (shown.length > 0) lines.push('', ...shown.map((letter) => letterLine(letter, paint)))
    if (shown.length < selected) lines.push(`  … and ${selected - shown.length} older ones: --limit shows more`)
    io.stdout.write(`${lines.join('\n')}\n`)
    return exitCodes.fine
  })
}

export async function show(
  topic: string,
  place: string,
  options: ClusterOptions,
  io: Io,
  connect: Connect = connectNative,
): Promise<number> {
  const { partition, offset } = readPlace(place)
  return withTopic(topic, options, io, connect, async (connection) => {
    let found: DeadLetter | undefined
    await browse(connection, topic, (letter) => {
      if (letter.record.partition === partition && letter.record.offset === offset) found = letter
      return found === undefined
    })
    if (found === undefined) {
      const message = `There is no record at ${place} in ${topic}. \`pyrallel dlq list ${topic}\` shows what is there.`
      throw new PyrallelError('PYR_USAGE', message)
    }
    const paint = painter(hasColor(io.stdout, io.env))
    const text = options.json === true ? JSON.stringify(letterJson(found, true)) : letterBlock(found, paint)
    io.stdout.write(`${text}\n`)
    return exitCodes.fine
  })
}

export async function replayLetters(
  topic: string,
  options: ReplayOptions,
  io: Io,
  connect: Connect = connectNative,
): Promise<number> {
  const selection = selectionOf(options, Date.now())
  return withTopic(topic, options, io, connect, async (connection) => {
    const isDryRun = options.dryRun === true
    const paint = painter(hasColor(io.stdout, io.env))
    const preview: { readonly letter: DeadLetter; readonly target: string }[] = []
    const targets = new Map<string, number>()
    const signals = listenToStopSignals()
    let isStopped = false
    void signals.first.then(() => {
      isStopped = true
    })
    const client = await connection.consumer({ group: replayGroup(topic), startFrom: 'earliest' })
    const producer = await connection.producer()
    try {
      const report = await replay(client, producer, {
        topic,
        selection,
        to: options.to,
        limit: options.limit ?? Number.POSITIVE_INFINITY,
        rate: options.rate,
        isDryRun,
        sleep: (ms) => sleep(ms),
        topicExists: async (name) => (await connection.missingTopics([name])).length === 0,
        isStopped: () => isStopped,
        onReplay: (letter, target) => {
          targets.set(target, (targets.get(target) ?? 0) + 1)
          if (preview.length < PREVIEW_LINES) preview.push({ letter, target })
        },
      })
      if (options.json === true) {
        const to = Object.fromEntries(targets)
        io.stdout.write(`${JSON.stringify({ topic, dryRun: isDryRun, ...report, targets: to })}\n`)
      } else {
        if (isDryRun) for (const { letter } of preview) io.stdout.write(`${letterLine(letter, paint)}\n`)
        io.stdout.write(`${reportText(topic, report, targets, isDryRun, paint)}\n`)
      }
      return exitCodes.fine
    } finally {
      signals.close()
      await producer.close(CLOSE_TIMEOUT_MS)
      await whilePolling(client, client.close())
    }
  })
}

function reportText(
  topic: string,
  report: ReplayReport,
  targets: ReadonlyMap<string, number>,
  isDryRun: boolean,
  paint: Paint,
): string {
  const { replayed, alreadyReplayed, notSelected, notReplayable, isStopped } = report
  const to = [...targets].map(([target, count]) => `${count} to ${target}`).join(', ')
  const verb = isDryRun ? 'would be published again' : 'published again and acknowledged'
  const what =
    replayed > 0
      ? `${replayed} ${verb} (${to})`
      : `nothing ${isDryRun ? 'would be' : 'was'} published${whyNothing(report)}`
  const lines = [`${isDryRun || replayed === 0 ? paint('yellow', '○') : paint('green', '✓')} ${topic}: ${what}`]
  if (notSelected > 0) lines.push(`  ${notSelected} not selected; they stay for another replay`)
  if (alreadyReplayed > 0) lines.push(`  ${alreadyReplayed} were replayed before`)
  if (notReplayable > 0)
    lines.push(`  ${notReplayable} without their value, or without a topic to go to (--to names one)`)
  if (isStopped) lines.push('  stopped; the same command goes on from here')
  if (isDryRun && replayed > 0) {
    lines.push('  Every group that reads these topics gets the records, after newer ones of their keys.')
    lines.push('  Nothing was published. Leave --dry-run away to publish.')
  }
  return lines.join('\n')
}

/** Nothing where a line of its own tells. */
function whyNothing({ notSelected, notReplayable, isStopped }: ReplayReport): string {
  if (isStopped || notReplayable > 0) return ''
  return notSelected > 0 ? ', as nothing that is left was selected' : ', as nothing is left to replay'
}

/** Reads the whole topic in a group of its own, which commits nothing, so that marks and other readers stay as they are. */
async function browse(connection: KafkaConnection, topic: string, see: (letter: DeadLetter) => boolean): Promise<void> {
  const client: KafkaClient = await connection.consumer({
    group: `${topic}.browse-${randomUUID()}`,
    startFrom: 'earliest',
  })
  try {
    await readToEnd(client, topic, MAX_POLL, { onRecord: async (record) => see(readDeadLetter(record)) })
  } finally {
    await whilePolling(client, client.close())
  }
}

async function withTopic(
  topic: string,
  options: ClusterOptions,
  io: Io,
  connect: Connect,
  run: (connection: ViewedConnection) => Promise<number>,
): Promise<number> {
  const { target, project } = await chooseCluster(options.brokers, io)
  const connection = await connect(target, project, io)
  try {
    await connection.check(CHECK_TIMEOUT_MS)
    if ((await connection.missingTopics([topic])).length > 0) {
      const message = `There is no topic '${topic}' at ${connection.description}. A handler's dead-letter topic is <topic>.<group>.dlq unless it names another.`
      throw new PyrallelError('PYR_TOPIC_UNKNOWN', message)
    }
    return await run(connection)
  } finally {
    await connection.close()
  }
}
