/** What holds of cuts with every client: what one must be, how its offsets are divided into requests, and what has become of one by what is stored. Pure. */
import { bug, PyrallelError } from '../model/errors.ts'
import { refuseUncarryable } from '../model/outgoing-check.ts'
import { type PartitionId, partitionId, partitionPlace } from '../model/record.ts'
import { checkCommits } from './commit-request-check.ts'
import type { AbortedCut, Cut, CutOffset, SettledCut, StoredOffset } from './transactional-producer.ts'

/** The coordinator stores a request as one batch of limited size, and has no code for one that is too large. UTF-16 units of metadata; partitions. */
const REQUEST_UNITS = 128 * 1_024
const REQUEST_PARTITIONS = 1_000

/** @throws PyrallelError PYR_BUG for what no caller should ever ask */
export function checkOffsets({ offsets }: Cut): AbortedCut | undefined {
  if (offsets.length === 0) throw bug('TransactionalProducer.transact', 'the cut has no offsets')
  const seen = new Set<PartitionId>()
  for (const each of offsets) {
    const place = `the offset of ${partitionPlace(each)} in a cut`
    if (seen.has(partitionId(each))) throw bug(place, 'it stands there twice')
    if (isSame(each.before, each)) throw bug(place, 'it changes nothing')
    seen.add(partitionId(each))
    try {
      checkCommits([each])
    } catch (thrown) {
      if (!(thrown instanceof PyrallelError) || thrown.code === 'PYR_BUG') throw thrown
      return { kind: 'aborted', blame: { kind: 'partitions', partitions: [each] }, error: thrown }
    }
  }
  return undefined
}

/** Before anything is sent: librdkafka's binding throws at a header that it cannot carry, and sends the record without it. */
export function checkOutputs({ outputs }: Cut): AbortedCut | undefined {
  for (const [index, output] of outputs.entries()) {
    try {
      refuseUncarryable(output)
    } catch (thrown) {
      if (!(thrown instanceof PyrallelError)) throw thrown
      return { kind: 'aborted', blame: { kind: 'outputs', indexes: [index] }, error: thrown }
    }
  }
  return undefined
}

export function inRequests(offsets: readonly CutOffset[]): readonly (readonly CutOffset[])[] {
  const requests: CutOffset[][] = []
  let [last, units]: [CutOffset[], number] = [[], 0]
  for (const each of offsets) {
    const isFull = units + each.metadata.length > REQUEST_UNITS || last.length === REQUEST_PARTITIONS
    if (requests.length === 0 || isFull) {
      last = []
      units = 0
      requests.push(last)
    }
    last.push(each)
    units += each.metadata.length
  }
  return requests
}

/**
 * @param stored once the transaction has ended
 *
 * A partition that is still ours tells the truth: nobody else writes there. What another member has stored since can look like the cut, where it has done the same
 * records, and never like what was before it, as positions only grow. So one that stands as before is believed first.
 */
export function outcomeOf({ offsets }: Cut, stored: ReadonlyMap<PartitionId, StoredOffset>): SettledCut {
  if (offsets.some((each) => isSame(each.before, stored.get(partitionId(each))))) return 'aborted'
  return offsets.some((each) => isSame(stored.get(partitionId(each)), each)) ? 'committed' : 'overwritten'
}

function isSame(one: StoredOffset | undefined, other: StoredOffset | undefined): boolean {
  return one?.position === other?.position && one?.metadata === other?.metadata
}
