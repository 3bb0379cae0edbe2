/** A consumer group as this process knows it: members, rebalances of the last hour and what they cost, commits and their failures. */
import { useState } from 'preact/hooks'
import { partitionPlace } from '../../model/record.ts'
import type { AssignedRow, CommitsView, GroupAnswer, TransactionsView } from '../protocol-groups.ts'
import { usePolled } from './link/polled.ts'
import { path } from './link/requests.ts'
import { about } from './link/store.ts'
import {
  memberText,
  protocolText,
  rebalanceCost,
  rebalanceText,
  transactionTroubles,
  waitingText,
} from './models/group.ts'
import { partitionHash, placeHash } from './models/location.ts'
import { digits, plural, span } from './models/numbers.ts'
import { Empty, Fact, Moment, Pending, Shown, useCopyable } from './parts.tsx'

/** Of the partitions that this process has, the others come when somebody asks. */
const firstPartitions = 60

export function Group({ group }: { readonly group: string | undefined }) {
  const groups = (about.value?.groups ?? []).map((each) => each.group)
  const chosen = groups.find((each) => each === group) ?? groups[0]
  const { answer, error } = usePolled<GroupAnswer>(chosen === undefined ? undefined : path('groups', chosen), 2_000)
  useCopyable('the group', () => answer)
  if (chosen === undefined) return <Pending error={undefined} />
  return (
    <section>
      <h2>
        Group <Shown text={chosen} />
      </h2>
      {groups.length > 1 && (
        <p class="choices">
          {groups.map((each) => (
            <a
              key={each}
              href={placeHash({ view: 'group', query: { group: each } })}
              aria-current={each === chosen ? 'true' : undefined}
            >
              <Shown text={each} />
            </a>
          ))}
        </p>
      )}
      {answer === undefined ? <Pending error={error} /> : <Told answer={answer} />}
    </section>
  )
}

function Told({ answer }: { readonly answer: GroupAnswer }) {
  const { member, members, assigned, assignedPartitions, rebalances, commits, group, transactions } = answer
  return (
    <>
      <p>{memberText(answer)}</p>
      <dl class="facts">
        <Fact name="Member">
          {member.memberId === null ? <span class="dim">not known</span> : <code>{member.memberId}</code>}
        </Fact>
        <Fact name="Generation">{member.generation === null ? 'not known' : digits(member.generation)}</Fact>
        <Fact name="Protocol">{protocolText(member.protocol)}</Fact>
        <Fact name="Partitions">{digits(assignedPartitions)}</Fact>
      </dl>
      <h3>Members</h3>
      {members === null ? (
        <p class="dim">The client of this process is not told who else is in the group.</p>
      ) : (
        <ul class="flow">
          {members.map(({ memberId, partitions }) => (
            <li key={memberId}>
              <code>
                <Shown text={memberId} />
              </code>{' '}
              <span class="dim num">
                {plural(partitions, 'partition')}
                {memberId === member.memberId ? ', this process' : ''}
              </span>
            </li>
          ))}
        </ul>
      )}
      <h3>Rebalances of the last hour</h3>
      {rebalances.length === 0 ? (
        <Empty title="No partition has moved">They move when members come, go, or do not answer.</Empty>
      ) : (
        <ol class="notes">
          {rebalances.map((row, index) => (
            <li key={`${row.at} ${row.kind} ${index}`} class={row.kind === 'lost' ? 'warn' : ''}>
              <Moment at={row.at} /> <Shown text={rebalanceText(row)} />
              {rebalanceCost(row) !== '' && <span class="dim"> · {rebalanceCost(row)}</span>}
            </li>
          ))}
        </ol>
      )}
      {transactions !== null && <Transactions view={transactions} />}
      <Commits commits={commits} areTransactions={transactions !== null} />
      <Assigned group={group} assigned={assigned} />
    </>
  )
}

function Transactions({ view }: { readonly view: TransactionsView }) {
  return (
    <>
      <h3>Exactly once</h3>
      {transactionTroubles(view).map((text) => (
        <p key={text} class="problem">
          <Shown text={text} />
        </p>
      ))}
      <dl class="facts">
        <Fact name="Waits to become visible">{waitingText(view)}</Fact>
        <Fact name="A transaction is open">{view.openMs === null ? 'none' : `for ${span(view.openMs)}`}</Fact>
      </dl>
    </>
  )
}

function Commits({ commits, areTransactions }: { readonly commits: CommitsView; readonly areTransactions: boolean }) {
  const { acknowledged, failed, lastAcknowledgedAt, lastTookMs, failures } = commits
  return (
    <>
      <h3>{areTransactions ? 'Transactions' : 'Commits'} of the last hour</h3>
      <dl class="facts">
        <Fact name={areTransactions ? 'Committed' : 'Acknowledged'}>{digits(acknowledged)}</Fact>
        <Fact name={areTransactions ? 'Aborted, or not answered' : 'Failed'}>{digits(failed)}</Fact>
        <Fact name="The last one">{lastAcknowledgedAt === null ? 'none yet' : <Moment at={lastAcknowledgedAt} />}</Fact>
        <Fact name="It took">{lastTookMs === null ? '–' : span(lastTookMs)}</Fact>
      </dl>
      {failures.length > 0 && (
        <ol class="notes">
          {failures.map((row, index) => (
            <li key={`${row.at} ${index}`} class="warn">
              <Moment at={row.at} /> <code>{row.code}</code> <Shown text={row.message} />{' '}
              <span class="dim">{row.willRetry ? 'tried again' : 'not tried again'}</span>
            </li>
          ))}
        </ol>
      )}
    </>
  )
}

function Assigned({ group, assigned }: { readonly group: string; readonly assigned: readonly AssignedRow[] }) {
  const [isWhole, setWhole] = useState(false)
  const shown = isWhole ? assigned : assigned.slice(0, firstPartitions)
  return (
    <>
      <h3>Partitions of this process</h3>
      {assigned.length === 0 && <p class="dim">none</p>}
      <ul class="choices">
        {shown.map((row) => (
          <li key={partitionPlace(row)}>
            <a class="place" href={partitionHash({ group, topic: row.topic, partition: row.partition })}>
              <Shown text={partitionPlace(row)} />
            </a>{' '}
            <span class="dim num">{row.position === null ? '–' : `at ${digits(row.position)}`}</span>
          </li>
        ))}
      </ul>
      {shown.length < assigned.length && (
        <button type="button" class="link" onClick={() => setWhole(true)}>
          show all {digits(assigned.length)}
        </button>
      )}
    </>
  )
}
