/** `pyrallel dlq list | show`: looks into a dead-letter topic. Changes nothing. */

import { browsing } from '../../framework/dead-letters/browse-topic.ts'
import { type DeadLetter, readDeadLetter } from '../../framework/dead-letters/dead-letter.ts'
import { LetterGroups } from '../../framework/dead-letters/letter-groups.ts'
import { NewestLetters } from '../../framework/dead-letters/newest-letters.ts'
import { readToEnd } from '../../framework/dead-letters/read-topic.ts'
import { replayGroup, replayMarks } from '../../framework/dead-letters/replay/partition-marks.ts'
import { readPlace, type SelectionOptions, selectionOf, selectsByTime } from '../../framework/dead-letters/selection.ts'
import { readKeyWithSchema, readWithSchema } from '../../framework/formats/read-value.ts'
import type { ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import { Closers } from '../../framework/model/closers.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import { harmlessJson } from '../../framework/model/plain-text.ts'
import { connectRegistry } from '../../framework/registry/registry-client.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { exactText } from '../../framework/validation/exact-json.ts'
import { type Connect, connectCluster } from '../cluster/connect.ts'
import {
  groupLine,
  letterBlock,
  letterJson,
  letterLine,
  type ReadLetter,
  readJsonOf,
  sourceTimeLine,
} from '../dlq/letter-text.ts'
import { ListCounts } from '../dlq/list-head.ts'
import { type ClusterOptions, withTopic } from '../dlq/open-topic.ts'
import { declaredTopics } from '../project/declared-topics.ts'
import type { Project } from '../project/project.ts'
import { exitCodes } from '../terminal/failure.ts'
import { hasColor, type Io } from '../terminal/io.ts'
import { jsonText } from '../terminal/json-text.ts'
import { painter } from '../terminal/paint.ts'

export interface ListOptions extends ClusterOptions, SelectionOptions {
  /** The most records to show one by one. */
  readonly limit: number
}

export async function list(
  topic: string,
  options: ListOptions,
  io: Io,
  connect: Connect = connectCluster,
): Promise<number> {
  const isSelected = selectionOf(options, Date.now())
  return withTopic(topic, options, io, connect, async (connection) => {
    const groups = new LetterGroups()
    const isReplayed = replayMarks(await connection.view.groupOffsets(replayGroup(topic)), topic)
    const newest = new NewestLetters(options.limit)
    const counts = new ListCounts()
    let withSourceTime = 0
    await browse(connection, topic, (letter) => {
      counts.see(letter)
      if (letter.time === 'source') withSourceTime += 1
      if (!isSelected(letter)) return true
      const mark = isReplayed(letter.record)
      counts.select(letter, mark)
      if (options.json === true) {
        io.stdout.write(`${jsonText({ ...letterJson(letter, false), isReplayed: mark })}\n`)
      }
      // One that did not fail has no reason to be told apart by.
      if (letter.family !== 'none') groups.add(letter)
      newest.add(letter)
      return true
    })
    if (options.json === true) return exitCodes.fine
    const paint = painter(hasColor(io.stdout, io.env))
    const shown = newest.all()
    const names = async () => (await connection.view.topics()).map(({ name }) => name)
    const lines = [...(await counts.head(topic, names))]
    if (selectsByTime(options) && withSourceTime > 0) lines.push(sourceTimeLine(withSourceTime))
    lines.push(...groups.all().map((group) => groupLine(group, paint)))
    if (shown.length > 0) lines.push('', ...shown.map((letter) => letterLine(letter, paint)))
    if (shown.length < counts.selected) {
      lines.push(`  … and ${counts.selected - shown.length} older ones: --limit shows more`)
    }
    io.stdout.write(`${lines.join('\n')}\n`)
    return exitCodes.fine
  })
}

export async function show(
  topic: string,
  place: string,
  options: ClusterOptions,
  io: Io,
  connect: Connect = connectCluster,
): Promise<number> {
  const { partition, offset } = readPlace(place)
  return withTopic(topic, options, io, connect, async (connection, project) => {
    let found: DeadLetter | undefined
    await browse(connection, topic, (letter) => {
      if (letter.record.partition === partition && letter.record.offset === offset) found = letter
      return found === undefined
    })
    if (found === undefined) {
      const message = `There is no record at ${place} in ${topic}. \`pyrallel dlq list ${topic}\` shows what is there.`
      throw new PyrallelError('PYR_USAGE', message)
    }
    const read = await readLetter(found, project, io)
    const paint = painter(hasColor(io.stdout, io.env))
    const text =
      options.json === true
        ? harmlessJson(exactText({ ...letterJson(found, true), ...readJsonOf(read, found.record) }))
        : letterBlock(found, paint, read)
    io.stdout.write(`${text}\n`)
    return exitCodes.fine
  })
}

async function readLetter({ record, topic }: DeadLetter, project: Project | undefined, io: Io): Promise<ReadLetter> {
  const settings = project?.config.registry
  return new Closers().around(async (closers) => {
    const registry = settings?.url === undefined ? undefined : connectRegistry(settings, systemClock(), Math.random)
    if (registry !== undefined) closers.add('the registry', () => registry.close())
    const sources = { registry, topics: () => declaredTopics(io.cwd()) }
    return { value: await readWithSchema(record, sources), key: await readKeyWithSchema(record, topic, sources) }
  })
}

/** Every record that is there now, until `see` returns false. */
async function browse(
  connection: ViewedConnection,
  topic: string,
  see: (letter: DeadLetter) => boolean,
): Promise<void> {
  const logs = () => connection.view.logs(topic)
  const bounds = await logs()
  const onRecord = (record: DeadLetter['record']) => see(readDeadLetter(record))
  await browsing(connection, topic, (client) => readToEnd(client, { topic, bounds, logs, onRecord }))
}
