/** `pyrallel inspect offsets`: where a group stands in each partition, and what its commit metadata says. Changes nothing. */

import { predecessorNames } from '../../framework/control-plane/offsets/predecessor-metadata.ts'
import type { GroupOffset, ShareGroup } from '../../framework/kafka/kafka-client.ts'
import { Closers } from '../../framework/model/closers.ts'
import { harmless } from '../../framework/model/plain-text.ts'
import { plural } from '../../framework/model/plural.ts'
import { partitionPlace, type TopicPartition } from '../../framework/model/record.ts'
import { type Connect, chooseCluster, connectCluster } from '../cluster/connect.ts'
import { shareGroupText } from '../cluster/share-group-text.ts'
import { predecessors, runsAgain, type Stored, storedWith } from '../cluster/stored-with-position.ts'
import type { StreamsMetadata } from '../cluster/streams-metadata.ts'
import { exitCodes } from '../terminal/failure.ts'
import { hasColor, type Io } from '../terminal/io.ts'
import { jsonText } from '../terminal/json-text.ts'
import { painter } from '../terminal/paint.ts'
import { table } from '../terminal/table.ts'

export interface InspectOptions {
  readonly topic?: string
  readonly brokers?: string
  readonly json?: boolean
}

interface Inspected extends GroupOffset, Stored {
  /** Records that the group has not committed yet. */
  readonly lag: number
}

const CHECK_TIMEOUT_MS = 5_000

/** @returns 1 when there is nothing to show */
export async function inspectOffsets(
  group: string,
  options: InspectOptions,
  io: Io,
  connect: Connect = connectCluster,
): Promise<number> {
  const { target, project } = await chooseCluster(options.brokers, io)
  const connection = await connect(target, project, io)
  return new Closers().around(async (closers) => {
    closers.add('the connection', () => connection.close())
    await connection.check(CHECK_TIMEOUT_MS)
    const offsets = await connection.view.groupOffsets(group)
    // A name is of one type: a group with commits is no share group.
    const share = offsets.length === 0 ? await connection.view.shareGroup?.(group) : undefined
    const isWanted = ({ topic }: TopicPartition) => options.topic === undefined || topic === options.topic
    const looked: Looked = {
      ...{ group, broker: connection.description, offsets: offsets.filter(isWanted).map(inspect) },
      committed: new Set(offsets.map(({ topic }) => topic)),
      share: share && { ...share, offsets: share.offsets.filter(isWanted) },
      canTellShare: connection.view.shareGroup !== undefined,
      flags: options.brokers === undefined ? '' : ` --brokers ${options.brokers}`,
    }
    io.stdout.write(options.json === true ? json(looked) : text(looked, io))
    return looked.offsets.length === 0 && share === undefined ? exitCodes.failed : exitCodes.fine
  })
}

interface Looked {
  readonly group: string
  readonly broker: string
  readonly offsets: readonly Inspected[]
  /** Topics that the group has commits of, shown or not. */
  readonly committed: ReadonlySet<string>
  readonly share: ShareGroup | undefined
  /** False: `share` is undefined as nobody could ask. */
  readonly canTellShare: boolean
  /** With which the same cluster is looked at again. */
  readonly flags: string
}

function inspect(offset: GroupOffset): Inspected {
  return { ...offset, lag: Math.max(0, offset.logEnd - offset.position), ...storedWith(offset) }
}

function json({ group, broker, offsets, share, canTellShare }: Looked): string {
  const rows = offsets.map(({ decoded, writtenBy, mayBeOf, streams, metadata, ...offset }) => ({
    ...offset,
    metadata: { length: metadata.length, writtenBy, ...(mayBeOf && { mayBeOf }), ...decoded, ...streams },
  }))
  const shareGroup = canTellShare && { shareGroup: share ?? null }
  return `${jsonText({ group, broker, ...shareGroup, runsAgain: runsAgain(offsets), offsets: rows }, 2)}\n`
}

function text(looked: Looked, io: Io): string {
  const { group, broker, offsets, share } = looked
  const paint = painter(hasColor(io.stdout, io.env))
  if (share !== undefined) return shareGroupText(group, broker, share, paint)
  if (offsets.length === 0) return nothing(looked)
  const head = ['partition', 'position', 'log', 'lag', 'metadata'].map((name) => paint('bold', name))
  const rows = offsets.map((each) => [
    harmless(partitionPlace(each)),
    String(each.position),
    `${each.logStart}..${each.logEnd}`,
    String(each.lag),
    [...positionNote(each), metadataText(each)].join('; '),
  ])
  const again = runsAgainLines(offsets).map((line) => `${line}\n`)
  return `group ${group} at ${broker}\n${table([head, ...rows], [1, 2, 3])}${again.join('')}`
}

/** Whose numbers differ depends on who has written the metadata; nothing where nobody would run anything again. */
function runsAgainLines(offsets: readonly Inspected[]): readonly string[] {
  const { done, isAtLeast, pyrallel, takeOver, predecessors: own, others } = runsAgain(offsets)
  if (done === 0) return []
  const owners = [
    `${pyrallel} in Pyrallel`,
    ...predecessors.flatMap((each) =>
      takeOver[each] < pyrallel ? [`${takeOver[each]} in Pyrallel with commit.takeOver: '${each}'`] : [],
    ),
    ...predecessors.flatMap((each) => (own[each] < others ? [`${own[each]} in ${predecessorNames[each]}`] : [])),
    `${others} in any other consumer`,
  ]
  return [
    `${isAtLeast ? 'At least ' : ''}${done} done above their positions. Of these run again, by who goes on with the group:`,
    ...owners.map((owner) => `  ${owner}`),
  ]
}

function nothing({ group, broker, committed, canTellShare, flags }: Looked): string {
  if (committed.size > 0)
    return `Group ${group} has commits at ${broker}, but none of that topic. It has some of: ${[...committed].join(', ')}.\n`
  if (canTellShare) return `Nothing is committed for group ${group} at ${broker}, and it is no share group.\n`
  return (
    `Nothing is committed for group ${group} at ${broker}. This client cannot tell whether it is a share group, which commits nothing; these can:\n` +
    `  PYRALLEL_KAFKA_CLIENT=javascript npx pyrallel inspect offsets ${group}${flags}\n` +
    `  kafka-share-groups.sh --bootstrap-server ${broker} --describe --group ${group}\n`
  )
}

function positionNote({ position, logStart, logEnd }: Inspected): readonly string[] {
  if (position < logStart)
    return [
      `${plural(logStart - position, 'record was', 'records were')} deleted before ${logStart - position === 1 ? 'it was' : 'they were'} handled`,
    ]
  return position > logEnd ? ['beyond the end of the log: it was made anew'] : []
}

function metadataText({ decoded, writtenBy, mayBeOf, streams, metadata, position }: Inspected): string {
  if (streams !== undefined) return streamsText(streams, metadata.length)
  const by = mayBeOf === undefined ? writerText(writtenBy) : `; it may be that of ${predecessorNames[mayBeOf]}`
  switch (decoded.kind) {
    case 'none':
      return metadata === '' ? 'none' : `nothing done above the position${by} (${metadata.length} characters)`
    case 'rejected':
      return `not believed (${metadata.length} characters): it ${whyText(decoded.why)}`
    case 'completed': {
      const characters = `(${metadata.length} characters)`
      const done = decoded.ranges.reduce((sum, { start, end }) => sum + end - start, 0)
      if (done === 0) return `nothing done above the position${triedText(decoded)} ${characters}`
      const last = decoded.ranges.at(-1)?.end ?? position
      const ranges = decoded.ranges.length === 1 ? '1 range' : `${decoded.ranges.length} ranges`
      const more = decoded.cutAt === undefined ? '' : ', and more behind'
      return `${done} done above the position, in ${ranges} up to ${last - 1}${more}${by}${triedText(decoded)} ${characters}`
    }
  }
}

/** Whose it is, is told by how it begins, and so do other texts: of a million arbitrary ones, every thirtieth. */
function whyText(why: string): string {
  return why.startsWith('that of ') ? `may be ${why}` : `is ${why}`
}

function writerText(writtenBy: Inspected['writtenBy']): string {
  const isOurs = writtenBy === null || writtenBy === 'pyrallel' || writtenBy === 'kafka-streams'
  return isOurs ? '' : `, by ${predecessorNames[writtenBy]}`
}

/** Times, and nothing about what is done. */
function streamsText({ partitionTime, processors }: StreamsMetadata, length: number): string {
  const time = partitionTime === null ? 'not known' : new Date(partitionTime).toISOString()
  const kept = processors.map(
    ({ name, time }) => `${harmless(name)} ${time < 0 ? 'none' : new Date(time).toISOString()}`,
  )
  const emitted = kept.length === 0 ? '' : `; emitted up to: ${kept.join(', ')}`
  return `nothing done above the position, by Kafka Streams: its partition time is ${time}${emitted} (${length} characters)`
}

const MOST_TRIED = 5

/** Records that are not done, and how often they were tried: those of the lowest offsets. */
function triedText({ attempts = [] }: Extract<Inspected['decoded'], { readonly kind: 'completed' }>): string {
  if (attempts.length === 0) return ''
  const first = attempts.slice(0, MOST_TRIED).map(({ offset, tried }) => `${offset} (${tried})`)
  const more = attempts.length > MOST_TRIED ? `, and ${attempts.length - MOST_TRIED} more` : ''
  return `; failed attempts of offset ${first.join(', ')}${more}`
}
