/** What `doctor` finds of the transactions of a project's groups. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { examineTransactions } from '../../../../cli/cluster/examine-transactions.ts'
import type { ViewedConnection } from '../../../../framework/kafka/kafka-client.ts'
import { memoryCluster } from '../../../../framework/kafka/memory/client.ts'
import type { TransactionalProducer } from '../../../../framework/kafka/transactional-producer.ts'
import { PyrallelError } from '../../../../framework/model/errors.ts'

function opening(open: TransactionalProducer['open']): ViewedConnection & { readonly closed: string[] } {
  const connection = memoryCluster().connection()
  const closed: string[] = []
  return {
    ...connection,
    closed,
    consumer: async (options) => {
      const client = await connection.consumer(options)
      const close = client.close.bind(client)
      return Object.assign(client, {
        close: () => {
          closed.push('consumer')
          return close()
        },
      })
    },
    transactionalProducer: (_consumer, { id }) => ({
      open,
      transact: () => assert.fail('doctor changes nothing'),
      settle: () => assert.fail('doctor changes nothing'),
      close: async () => void closed.push(id),
    }),
  }
}

describe('transactions, as doctor finds them', () => {
  it('are well where each group may have them, under an id that no member has', async () => {
    assert.deepEqual(await examineTransactions(memoryCluster().connection(), ['mail', 'shop']), [
      {
        what: 'transactions of mail',
        state: 'well',
        detail: 'the brokers allow them under pyrallel.mail.doctor, for 15 s each',
      },
      {
        what: 'transactions of shop',
        state: 'well',
        detail: 'the brokers allow them under pyrallel.shop.doctor, for 15 s each',
      },
    ])
  })

  it('are ill where the brokers refuse them, with what they say; all is closed', async () => {
    const connection = opening(async () => {
      throw new PyrallelError('PYR_TRANSACTION_REFUSED', 'no right on pyrallel.shop.doctor')
    })
    assert.deepEqual(await examineTransactions(connection, ['shop']), [
      {
        what: 'transactions of shop',
        state: 'ill',
        detail: 'no right on pyrallel.shop.doctor',
        next: 'pyrallel docs PYR_TRANSACTION_REFUSED',
      },
    ])
    assert.deepEqual(connection.closed, ['pyrallel.shop.doctor', 'consumer'])
  })

  it('are ill where nobody answers in time', async () => {
    const connection = opening(() => new Promise(() => {}))
    const [finding] = await examineTransactions(connection, ['shop'], 5)
    assert.equal(finding?.state, 'ill')
    assert.match(finding?.detail ?? '', /No broker has answered .* within 5 ms\. .* __transaction_state/)
    assert.deepEqual(connection.closed, ['pyrallel.shop.doctor', 'consumer'])
  })

  it('are ill where the client has none', async () => {
    const { transactionalProducer: _none, ...connection } = memoryCluster().connection()
    const [finding] = await examineTransactions(connection, ['shop'])
    assert.match(finding?.detail ?? '', /commit\.exactlyOnce needs transactions, and this client has none at memory/)
  })
})
