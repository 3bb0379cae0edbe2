/** Says what a replay has done and what it has not, or would do. Pure. */

import type { LetterGroup } from '../../../framework/dead-letters/letter-groups.ts'
import type { ReplayPlan } from '../../../framework/dead-letters/replay/plan-replay.ts'
import type { IntakeCounts } from '../../../framework/dead-letters/replay/replay-intake.ts'
import type { ReplayReport } from '../../../framework/dead-letters/replay/replay-report.ts'
import type { PlaceNotes } from '../../../framework/dead-letters/replay/source-partition.ts'
import { type SelectionOptions, selectsByTime } from '../../../framework/dead-letters/selection.ts'
import { harmless } from '../../../framework/model/plain-text.ts'
import { partitionPlace } from '../../../framework/model/record.ts'
import type { Paint } from '../../terminal/paint.ts'
import { groupLine, sourceTimeLine } from '../letter-text.ts'

type Targets = ReadonlyMap<string, number>

const MAX_REASONS = 10

export function planText(
  topic: string,
  plan: ReplayPlan,
  targets: Targets,
  options: SelectionOptions,
  paint: Paint,
): readonly string[] {
  const { planned } = plan
  const what =
    planned > 0
      ? `${planned} would be published again (${targetsText(targets)})`
      : `nothing would be published${whyNothing(plan)}`
  const lines = [`${paint('yellow', '○')} ${topic}: ${what}`, ...leftLines(topic, plan, options), ...placeLines(plan)]
  if (planned > 0) {
    lines.push('  Every group that reads these topics gets the records, after newer ones of their keys.')
    lines.push('  Nothing was published. Leave --dry-run away to publish.')
  }
  return lines
}

/** @param report `publishable`: what the replay has found before it began */
export function reportText(
  topic: string,
  report: ReplayReport & { readonly publishable: number },
  targets: Targets,
  options: SelectionOptions,
  paint: Paint,
): readonly string[] {
  const { replayed, publishable, isStopped, failure, unread } = report
  const isWhole = failure === undefined && unread.length === 0
  const sign = !isWhole ? paint('red', '✗') : replayed === 0 ? paint('yellow', '○') : paint('green', '✓')
  const what =
    replayed > 0
      ? `${replayed} published again and acknowledged (${targetsText(targets)})`
      : `nothing was published${failure === undefined ? whyNothing(report) : ''}`
  const lines = [`${sign} ${topic}: ${what}`, ...openLines(report)]
  if (publishable > replayed)
    lines.push(`  ${publishable - replayed} of ${publishable} were not published by this replay`)
  lines.push(...leftLines(topic, report, options), ...placeLines(report))
  for (const { partition, from, end } of unread) {
    lines.push(
      `  ${harmless(partitionPlace({ topic, partition }))} is another replay's: from offset ${from} up to ${end}, this one has done nothing`,
    )
  }
  if (isStopped) lines.push('  stopped; the same command goes on from here')
  return lines
}

function openLines({ notMarked, onTheirWay, isTransactional }: ReplayReport): readonly string[] {
  if (isTransactional) {
    return onTheirWay === 0
      ? []
      : [
          `  ${onTheirWay} more may have been published: nobody has told how their transaction has ended. The next replay finds out, and publishes none twice`,
        ]
  }
  const lines: string[] = []
  if (notMarked > 0)
    lines.push(`  ${notMarked} of them could not be marked: the next replay publishes them a second time`)
  if (onTheirWay > 0) {
    lines.push(
      `  ${onTheirWay} more may have been published: they were on their way, and not acknowledged. The next replay publishes them`,
    )
  }
  if (lines.length > 0) lines.push('  A second copy has the same pyrallel-replay-id as the first.')
  return lines
}

function leftLines(topic: string, counts: IntakeCounts, options: SelectionOptions): readonly string[] {
  const { notSelected, alreadyReplayed, replayedTooOften, withoutValue, withoutRecord } = counts
  const { contradictory, withoutTopic, withSourceTime } = counts
  const lines: readonly (readonly [number, string])[] = [
    [notSelected, 'not selected; they stay for another replay'],
    [alreadyReplayed, 'were replayed before'],
    [
      replayedTooOften,
      'were replayed as often as --max-replays allows, and given up each time; they stay until it allows more',
    ],
    [withoutValue, 'without their value, which was left out of the dead letter'],
    [
      withoutRecord,
      `without their record, which share groups leave out by default: \`pyrallel dlq show ${topic} partition/offset\` says where each is`,
    ],
    [contradictory, 'with headers of several tools, of which none is believed (--to names a topic to go to)'],
    [withoutTopic, 'without a topic to go to (--to names one)'],
  ]
  const told = lines.flatMap(([count, what]) => (count > 0 ? [`  ${count} ${what}`] : []))
  return selectsByTime(options) && withSourceTime > 0 ? [...told, sourceTimeLine(withSourceTime)] : told
}

/** One line for each kind of failure that was published, or would be, the most frequent first. */
export function reasonLines(reasons: readonly LetterGroup[], paint: Paint): readonly string[] {
  const more = reasons.length - MAX_REASONS
  const lines = reasons.slice(0, MAX_REASONS).map((reason) => groupLine(reason, paint))
  return more > 0 ? [...lines, `  … and ${more} more kinds of failures: --json has all`] : lines
}

function placeLines({ movedKeys, withoutPartition }: PlaceNotes): readonly string[] {
  const lines = [...movedKeys].map(
    ([topic, count]) =>
      `  ${count} go back to partitions of ${harmless(topic)} to which neither murmur2 nor CRC-32 sends their keys now. Where it has grown since, newer records of these keys are in others`,
  )
  if (withoutPartition > 0) {
    lines.push(`  ${withoutPartition} whose partition is not there any more go where their key says (murmur2)`)
  }
  return lines
}

function targetsText(targets: Targets): string {
  return [...targets].map(([target, count]) => `${count} to ${harmless(target)}`).join(', ')
}

/** Nothing where a line of its own tells. */
function whyNothing({ notSelected, notReplayable, ...rest }: IntakeCounts & { readonly isStopped: boolean }): string {
  if (rest.isStopped || notReplayable > 0) return ''
  return notSelected > 0 ? ', as nothing that is left was selected' : ', as nothing is left to replay'
}
