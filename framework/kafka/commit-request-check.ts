/** Checks commits before they reach a client: the native binding crashes the process on some that are malformed. Pure. */

import { bug, PyrallelError } from '../model/errors.ts'
import type { TopicPartition } from '../model/record.ts'
import { partitionPlace } from '../model/record.ts'
import type { CommitRequest } from './kafka-client.ts'

/** A broker accepts 4,096 UTF-16 units by default (`offset.metadata.max.bytes`); the binding adds a NUL of its own. */
export const MAX_METADATA_LENGTH = 4_095

/** NUL ends the text inside the binding, and a lone half of a surrogate pair cannot be written as UTF-8. */
const unwritable = /\0|\p{Surrogate}/u

/** @throws PyrallelError PYR_METADATA_TOO_LARGE, or PYR_BUG for what no caller should ever ask */
export function checkCommits(commits: readonly CommitRequest[]): void {
  for (const { topic, partition, position, metadata } of commits) {
    const place = `commit of ${partitionPlace({ topic, partition })}`
    if (typeof topic !== 'string' || topic === '') throw bug(place, 'the topic is not a name')
    if (!Number.isSafeInteger(partition) || partition < 0) throw bug(place, 'the partition is not a number from 0')
    if (!Number.isSafeInteger(position) || position < 0) throw bug(place, `the position is ${position}`)
    if (typeof metadata !== 'string') throw bug(place, 'the metadata is not a text')
    if (metadata.length > MAX_METADATA_LENGTH) {
      throw new PyrallelError(
        'PYR_METADATA_TOO_LARGE',
        `The ${place} carries ${metadata.length} characters of metadata; at most ${MAX_METADATA_LENGTH} fit.`,
      )
    }
    if (unwritable.test(metadata)) throw bug(place, 'the metadata has a NUL or a lone surrogate')
  }
}

export function notOwned(partitions: readonly TopicPartition[], cause?: unknown): PyrallelError {
  return new PyrallelError(
    'PYR_NOT_OWNED',
    `This member does not own ${partitionList(partitions)}, so it cannot commit there.`,
    {
      cause,
    },
  )
}

/** For messages: `orders:0, orders:3`. */
export function partitionList(partitions: readonly TopicPartition[]): string {
  return partitions.map(partitionPlace).join(', ')
}
