/** For how long credentials have been refused: from the first refusal of a row, until something was accepted or it has stopped. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Credentials } from '../../../../framework/control-plane/shell/credentials.ts'

const refusedEvery = (ms: number, from: number, to: number, credentials: Credentials) => {
  for (let at = from; at <= to; at += ms) credentials.onRefused(at)
}

describe('refused credentials', () => {
  it('count from the first refusal on', () => {
    const credentials = new Credentials()
    assert.equal(credentials.refusedFor(0), undefined)
    refusedEvery(30_000, 1_000, 301_000, credentials)
    assert.equal(credentials.refusedFor(301_000), 300_000)
  })

  it('count no longer once a broker has accepted them', () => {
    const credentials = new Credentials()
    refusedEvery(30_000, 0, 300_000, credentials)
    credentials.onAccepted()
    assert.equal(credentials.refusedFor(300_001), undefined)
  })

  it('count no longer when the refusals stop: brokers that do not answer refuse nobody', () => {
    const credentials = new Credentials()
    refusedEvery(30_000, 0, 120_000, credentials)
    assert.equal(credentials.refusedFor(181_000), undefined)
    credentials.onRefused(400_000)
    assert.equal(credentials.refusedFor(400_000), 0)
  })
})
