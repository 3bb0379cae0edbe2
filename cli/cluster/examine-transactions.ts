/** Whether the groups of a project may have transactions: of `commit.exactlyOnce`. Joins no group, and takes no id that a member has. */
import type { ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import { Closers } from '../../framework/model/closers.ts'
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import { requireTransactions } from '../../framework/runtime/group-transactions.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { settlesWithin } from '../../framework/time/wait.ts'
import type { Finding } from './diagnose.ts'

/** As members ask for it. Milliseconds. */
const TRANSACTION_MS = 15_000
const OPEN_MS = 10_000
const CLOSE_MS = 2_000

/** One for each group. @param openMs what the brokers may take */
export async function examineTransactions(
  connection: ViewedConnection,
  groups: readonly string[],
  openMs = OPEN_MS,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const group of groups) findings.push(await examined(connection, group, openMs))
  return findings
}

async function examined(connection: ViewedConnection, group: string, openMs: number): Promise<Finding> {
  const what = `transactions of ${group}`
  const id = `pyrallel.${group}.doctor`
  try {
    requireTransactions(connection)
    await openOnce(connection, group, id, openMs)
    return { what, state: 'well', detail: `the brokers allow them under ${id}, for ${TRANSACTION_MS / 1_000} s each` }
  } catch (thrown) {
    const code = thrown instanceof PyrallelError ? thrown.code : 'PYR_TRANSACTION_REFUSED'
    return { what, state: 'ill', detail: toError(thrown).message, next: `pyrallel docs ${code}` }
  }
}

async function openOnce(connection: ViewedConnection, group: string, id: string, openMs: number): Promise<void> {
  await new Closers().around(async (closers) => {
    const client = await connection.consumer({ group, startFrom: 'earliest' })
    closers.add('the consumer', () => client.close())
    const producer = connection.transactionalProducer?.(client, { id, timeoutMs: TRANSACTION_MS })
    if (producer === undefined) return
    closers.add('the transactions', () => producer.close(CLOSE_MS))
    const opening = producer.open()
    // It may reject after it was given up.
    opening.catch(() => {})
    if (await settlesWithin(systemClock(), opening, openMs)) return opening
    const facts = `No broker has answered for the transactional id ${id} within ${openMs} ms.`
    const next = 'The topic of their state, __transaction_state, may have too few replicas: see its partitions'
    throw new PyrallelError('PYR_TRANSACTION_REFUSED', `${facts} ${next}.`)
  })
}
