/** What becomes of errors that the binding tells as events, which carry no code. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { scriptedConnection } from './scripted-library.ts'

describe('errors that come as events', () => {
  it('are logged beside each other when they differ, each once per interval, and all are counted by what they are', async () => {
    const { connection, lines, consumers } = await scriptedConnection()
    const codes: string[] = []
    await connection.consumer({ group: 'g', startFrom: 'earliest', onError: (code) => codes.push(code) })
    const texts = [
      'key deserialization error',
      'no offset stored',
      'broker transport failure',
      'all broker connections are down',
    ]
    for (let round = 0; round < 3; round++) {
      for (const message of texts) consumers[0]?.native.emit('event.error', { message, code: -1 })
    }
    assert.deepEqual(
      lines.map(({ fields }) => Object.values(fields).slice(0, 2)),
      [
        ['key deserialization error', -1],
        ['no offset stored', -1],
        ['broker transport failure', -195],
        ['all broker connections are down', -187],
      ],
    )
    const counted = (name: string) => codes.filter((code) => code === name).length
    assert.deepEqual([counted('NETWORK_EXCEPTION'), counted('OTHER')], [6, 6])
  })
})

describe('a consumer that cannot connect', () => {
  const fail = '[thrd:sasl_ssl://b:9092/bootstrap]: sasl_ssl://b:9092/bootstrap: '
  for (const [what, why, code] of [
    ['refused credentials', 'SASL authentication error: Authentication failed', 'SASL_AUTHENTICATION_FAILED'],
    ['a broker that is not there', 'Connect to ipv4#127.0.0.1:9092 failed: Connection refused', 'NETWORK_EXCEPTION'],
  ] as const) {
    it(`counts ${what} as ${code}, of which the binding tells one code only`, async () => {
      const codes: string[] = []
      const { connection } = await scriptedConnection({}, (native) => {
        native.connect = (_request, done) => {
          native.emit('event.log', { severity: 3, fac: 'FAIL', message: `${fail}${why} (after 3ms in state CONNECT)` })
          done({ message: 'broker transport failure', code: -195 }, { topics: [], brokers: [] })
        }
      })
      const onError = (told: string) => codes.push(told)
      await assert.rejects(connection.consumer({ group: 'g', startFrom: 'earliest', onError }))
      assert.deepEqual(codes, [code])
    })
  }
})
