/** The ledger of the end-to-end tests finds each kind of fault, and tells the record's history: or its silence would mean nothing. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Ledger, type MemberBooks } from '../../e2e/ledger.ts'
import type { MemberLine, MemberNote } from '../../e2e/member-log.ts'

type Step = readonly [at: number, note: MemberNote]

function member(name: string, ...steps: Step[]): MemberBooks {
  return { name, lines: steps.map(([at, note]) => ({ at, ...note }) as MemberLine) }
}

/** One partition, one key: sequence n stands at offset n. */
const of = (n: number, attempt = 1) => ({ partition: 0, offset: n, key: 'k', sequence: n, attempt })
const start = (n: number, attempt = 1): MemberNote => ({ kind: 'start', ...of(n, attempt) })
const end = (n: number): MemberNote => ({ kind: 'end', ...of(n) })
const fail = (n: number): MemberNote => ({ kind: 'fail', ...of(n) })
const done = (n: number): MemberNote => ({ kind: 'done', partition: 0, offset: n })
const dead = (n: number): MemberNote => ({ kind: 'dead', partition: 0, offset: n })
const assigned: MemberNote = { kind: 'assigned', partition: 0, epoch: 1, position: 1, restored: 0 }
const gone = (leftBehind: number): MemberNote => ({ kind: 'revoked', partition: 0, epoch: 1, leftBehind })
const commit = (id: number, position: number): MemberNote => {
  return { kind: 'commit', id, partitions: [{ partition: 0, position, metadataLength: 0 }] }
}
const committed = (id: number): MemberNote => ({ kind: 'committed', id })
const refused = (id: number): MemberNote => ({ kind: 'refused', id, error: 'no' })

function ledger(...sequences: number[]): Ledger {
  const books = new Ledger()
  for (const sequence of sequences) books.acknowledge('k', sequence)
  return books
}

describe('the ledger', () => {
  it('balances when each record was handled once, retried in its place, or dead-lettered', () => {
    const books = member(
      'a',
      ...[[0, assigned] as const, [1, start(1)] as const, [2, fail(1)] as const, [3, start(1, 2)] as const],
      ...[[4, end(1)] as const, [5, done(1)] as const, [6, start(2)] as const, [7, fail(2)] as const],
      ...[[8, dead(2)] as const, [9, start(3)] as const, [10, end(3)] as const, [11, done(3)] as const],
    )
    const account = ledger(1, 2, 3).check([books])
    assert.deepEqual(account, { acknowledged: 3, deadLettered: 1, repeats: 0, overlaps: 0, leftBehind: 0 })
  })

  it('finds a record that nobody has handled to its end, and shows who tried', () => {
    const books = member('a', [0, assigned], [1, start(1)], [2, end(1)], [3, done(1)], [4, start(2)])
    assert.throws(
      () => ledger(1, 2).check([books]),
      /1 of 2 records were lost, k#2 first[\s\S]*a starts offset 2, attempt 1[\s\S]*a was killed at offset 2/,
    )
  })

  it('finds a record that overtook the one before it', () => {
    const books = member('a', [0, assigned], [1, start(2)], [2, end(2)], [3, done(2)], [4, start(1)], [5, end(1)])
    assert.throws(() => ledger(1, 2).check([books]), /a handled k#1 \(offset 1\) after k#2 \(offset 2\)/)
  })

  it('finds a record that started while the one before it waits for its retry', () => {
    const books = member('a', [0, assigned], [1, start(1)], [2, fail(1)], [3, start(2)], [4, end(2)], [5, done(2)])
    assert.throws(() => ledger(2).check([books]), /a handled k#2 \(offset 2\) after k#1/)
  })

  it('finds a member that works on one key twice at once', () => {
    const books = member('a', [0, assigned], [1, start(1)], [2, start(2)], [3, end(1)], [4, end(2)])
    assert.throws(() => ledger(1, 2).check([books]), /a worked on key k twice at once/)
  })

  it('finds a record that runs again although its completion was committed before the next owner came', () => {
    const first = member(
      'a',
      [0, assigned],
      [1, start(1)],
      [2, end(1)],
      [3, done(1)],
      [4, commit(1, 2)],
      [5, committed(1)],
    )
    const second = member('b', [6, assigned], [7, start(1)], [8, end(1)], [9, done(1)])
    assert.throws(() => ledger(1).check([first, second]), /k#1 ran again although its completion was committed/)
  })

  it('allows and counts a repeat of what was done after the last commit, or whose commit was refused or not answered', () => {
    const upToDone: Step[] = [
      [0, assigned],
      [1, start(1)],
      [2, end(1)],
      [3, done(1)],
    ]
    const again = member('b', [20, assigned], [21, start(1)], [22, end(1)], [23, done(1)])
    const commits: readonly Step[][] = [
      [],
      [[4, commit(1, 2)]],
      [
        [4, commit(1, 2)],
        [5, refused(1)],
      ],
    ]
    for (const rest of commits) {
      assert.equal(ledger(1).check([member('a', ...upToDone, ...rest), again]).repeats, 1)
    }
    const before: Step[] = [
      [0, assigned],
      [1, start(1)],
      [2, commit(1, 1)],
      [3, end(1)],
      [4, done(1)],
      [5, committed(1)],
    ]
    assert.equal(ledger(1).check([member('a', ...before), again]).repeats, 1)
  })

  it('knows that a commit which was refused at first and acknowledged later has made its records safe', () => {
    const first = member(
      'a',
      ...[[0, assigned] as const, [1, start(1)] as const, [2, end(1)] as const, [3, done(1)] as const],
      ...[[4, commit(1, 2)] as const, [5, refused(1)] as const, [6, commit(2, 2)] as const, [7, committed(2)] as const],
    )
    const second = member('b', [8, assigned], [9, start(1)], [10, end(1)])
    assert.throws(() => ledger(1).check([first, second]), /ran again although/)
  })

  it('finds two members at work on one key at once, unless the first has said that it gave up', () => {
    const second = member('b', [3, assigned], [4, start(1)], [5, end(1)], [6, done(1)])
    const held = member('a', [0, assigned], [1, start(1)], [2, gone(0)], [7, end(1)])
    assert.throws(() => ledger(1).check([held, second]), /two members were at work on key k at once/)
    const given = member('a', [0, assigned], [1, start(1)], [2, gone(1)], [7, end(1)])
    const { overlaps, leftBehind, repeats } = ledger(1).check([given, second])
    assert.deepEqual({ overlaps, leftBehind, repeats }, { overlaps: 1, leftBehind: 1, repeats: 1 })
  })

  it('expects nothing of a record that was struck off', () => {
    const books = ledger(1, 2)
    books.strike('k', 2)
    const account = books.check([member('a', [0, assigned], [1, start(1)], [2, end(1)], [3, done(1)])])
    assert.equal(account.acknowledged, 1)
  })
})
