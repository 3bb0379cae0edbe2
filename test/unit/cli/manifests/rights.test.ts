/** The rights that a principal is given: each needed one once, with why, and the script that grants them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { rightsOf, rightsScript } from '../../../../cli/manifests/rights.ts'
import { aHandler, factsOf } from './apps.ts'

const facts = factsOf(
  { group: 'shop' },
  {
    handlers: [
      aHandler('orders', { id: 'pay', publishes: ['paid', 'orders'] }),
      aHandler('orders', { id: 'audit', group: 'audit', deadLetter: { kind: 'none' } }),
      aHandler('stock', { id: 'track', deadLetter: { kind: 'topic', name: "it's dead" } }),
      aHandler('views', { id: 'count', deadLetter: { kind: 'unknown' } }),
    ],
  },
)

describe('the rights of a principal', () => {
  it('are to read what is handled, to write what is published and dead, and to be in its groups', () => {
    assert.deepEqual(
      rightsOf(facts).map(({ operation, on, name, why }) => `${operation} ${on} ${name}: ${why}`),
      [
        'Read group audit: the group of audit',
        'Read group shop: the group of pay, the group of track, the group of count',
        "Write topic it's dead: dead letters of track",
        'Read topic orders: read by pay, read by audit',
        'Write topic orders: published by pay',
        'Write topic orders.shop.dlq: dead letters of pay',
        'Write topic paid: published by pay',
        'Read topic stock: read by track',
        'Read topic views: read by count',
      ],
    )
  })

  it('are those on all topics that begin as a pattern does, to read and for their dead letters; on all topics, where it says no beginning', () => {
    const own = factsOf(
      { group: 'shop' },
      { handlers: [aHandler('/^orders\\./', { id: 'book' }), aHandler('/eu$/', { id: 'eu' })] },
    )
    assert.deepEqual(
      rightsOf(own).map(({ operation, on, name, isPrefix }) => [operation, on, name, isPrefix === true]),
      [
        ['Read', 'group', 'shop', false],
        ['Read', 'topic', '', true],
        ['Write', 'topic', '', true],
        ['Read', 'topic', 'orders.', true],
        ['Write', 'topic', 'orders.', true],
      ],
    )
    assert.match(rightsScript(own), /--operation Read --topic 'orders\.' --resource-pattern-type prefixed\n/)
    assert.match(rightsScript(own), /--operation Read --topic '\*'\n/)
  })

  it('are to write under the transactional ids of its groups, where those are of exactly once', () => {
    const own = factsOf(
      { group: 'shop', commit: { exactlyOnce: true } },
      { handlers: [aHandler('orders', { id: 'pay' }), aHandler('stock', { id: 'track', group: 'audit' })] },
    )
    const transactions = rightsOf(own).filter(({ on }) => on === 'transactional-id')
    assert.deepEqual(
      transactions.map(({ operation, name, isPrefix, why }) => [operation, name, isPrefix, why]),
      [
        ['Write', 'pyrallel.audit.', true, 'transactions of the group of track'],
        ['Write', 'pyrallel.shop.', true, 'transactions of the group of pay'],
      ],
    )
    assert.match(
      rightsScript(own),
      /--operation Write --transactional-id 'pyrallel\.shop\.' --resource-pattern-type prefixed\n/,
    )
    assert.doesNotMatch(rightsScript(facts), /transactional-id/)
  })

  it('are granted by a script, one by one, with the options of who grants them', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'pyrallel-rights-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const tool = join(folder, 'kafka-acls.sh')
    writeFileSync(
      tool,
      `#!/bin/sh\nfor word in "$@"; do printf '%s|' "$word"; done >> ${folder}/told\necho >> ${folder}/told\n`,
    )
    chmodSync(tool, 0o755)
    const script = join(folder, 'rights.sh')
    writeFileSync(script, rightsScript(facts))
    const env = { PATH: `${folder}:${process.env.PATH}`, BROKER: 'k1:9092', PRINCIPAL: 'User:shop' }
    execFileSync('sh', [script, '--command-config', 'admin.properties'], { env })
    const told = readFileSync(join(folder, 'told'), 'utf8').trim().split('\n')
    const begin = '--bootstrap-server|k1:9092|--command-config|admin.properties|--add|--allow-principal|User:shop|'
    assert.equal(told.length, rightsOf(facts).length)
    assert.equal(told[0], `${begin}--operation|Read|--group|audit|`)
    assert.ok(told.includes(`${begin}--operation|Write|--topic|it's dead|`))
    assert.match(rightsScript(facts), /# The dead-letter topic of count is computed, too: it needs Write\./)
  })
})
