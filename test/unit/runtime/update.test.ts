import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Type } from 'typebox'
import { avro } from '../../../framework/api/format.ts'
import { planUpdate } from '../../../framework/runtime/update-plan.ts'
import { aHandler, aRunningApp, gate } from './running-app.ts'

const timeout = { timeout: 120_000 }

describe('the plan of an update', () => {
  const charge = aHandler('charge')
  const mail = aHandler('mail')
  const audit = aHandler('audit', { group: 'audit' })

  it('is empty when every handler is the same object as before', () => {
    assert.deepEqual(planUpdate([charge, mail, audit], [audit, charge, mail]), { groups: [], replace: [] })
  })

  it('replaces other code, another concurrency, retry policy and dead-letter topic without a group noticing', () => {
    const changed = aHandler('charge', {
      concurrency: 3,
      deadLetterTopic: 'dead',
      retry: { ...charge.route.retry, attempts: 9 },
    })
    assert.deepEqual(planUpdate([charge, mail], [changed, mail]), { groups: [], replace: [changed] })
  })

  for (const [what, over, from, to] of [
    ['topic', { topic: 'refunds' }, 'charge', 'refunds'],
    ['ordering', { ordering: 'unordered' }, 'key', 'unordered'],
  ] as const) {
    it(`restarts the group of a handler whose ${what} has changed, and no other`, () => {
      const changed = aHandler('charge', over)
      assert.deepEqual(planUpdate([charge, mail, audit], [changed, mail, audit]), {
        replace: [],
        groups: [
          {
            group: 'shop',
            change: 'restarted',
            handlers: [{ handlerId: 'charge', what, from, to }],
            next: [changed, mail],
          },
        ],
      })
    })
  }

  it('restarts both groups of a handler that moves between them', () => {
    const moved = aHandler('charge', { group: 'audit' })
    const handlers = [{ handlerId: 'charge', what: 'group', from: 'shop', to: 'audit' }]
    assert.deepEqual(planUpdate([charge, mail, audit], [moved, mail, audit]).groups, [
      { group: 'audit', change: 'restarted', handlers, next: [moved, audit] },
      { group: 'shop', change: 'restarted', handlers, next: [mail] },
    ])
  })

  it('starts a group with its first handler, and stops it with its last', () => {
    assert.deepEqual(planUpdate([charge], [charge, audit]).groups, [
      {
        group: 'audit',
        change: 'started',
        handlers: [{ handlerId: 'audit', what: 'added', from: null, to: 'audit' }],
        next: [audit],
      },
    ])
    assert.deepEqual(planUpdate([charge, audit], [charge]).groups, [
      {
        group: 'audit',
        change: 'stopped',
        handlers: [{ handlerId: 'audit', what: 'removed', from: 'audit', to: null }],
        next: [],
      },
    ])
  })

  it('gives a group that restarts the new code of its other handlers too', () => {
    const newMail = aHandler('mail')
    const plan = planUpdate([charge, mail], [newMail])
    assert.deepEqual(plan.replace, [])
    assert.deepEqual(plan.groups[0]?.next, [newMail])
  })
})

describe('updating a runtime', timeout, () => {
  it('runs the new code for the next record, and neither leaves the group nor commits less', async (t) => {
    const ran: string[] = []
    const app = await aRunningApp(t, [aHandler('charge', { run: () => ran.push('old') })])
    await app.send('charge', 1)
    await app.until(() => app.count('record.done') === 1)
    const update = await app.runtime.update([aHandler('charge', { run: () => ran.push('new') })])
    assert.deepEqual(update, { replaced: [{ handlerId: 'charge', inFlight: 0 }], groups: [] })
    await app.send('charge', 2)
    await app.until(() => app.count('record.done') === 2)
    assert.deepEqual(ran, ['old', 'new'])
    assert.equal(app.count('partition.revoked'), 0)
    assert.equal(app.count('partition.assigned'), 2)
  })

  it('finishes attempts in flight on the old code, retries with the new, and keeps the order of a key', async (t) => {
    const ran: string[] = []
    const hold = gate()
    let hasStarted = false
    const retry = { attempts: 3, backoff: 'fixed', minMs: 0, maxMs: 0, jitter: false } as const
    const old = aHandler('charge', {
      retry,
      run: async (record) => {
        ran.push(`old ${record.value} attempt ${record.attempt}`)
        hasStarted = true
        app.changed()
        await hold.opened
        throw new Error('the old code fails')
      },
    })
    const app = await aRunningApp(t, [old])
    await app.send('charge', 'a', 'k')
    await app.send('charge', 'b', 'k')
    await app.until(() => hasStarted)
    const next = aHandler('charge', {
      retry,
      run: (record) => ran.push(`new ${record.value} attempt ${record.attempt}`),
    })
    assert.deepEqual((await app.runtime.update([next])).replaced, [{ handlerId: 'charge', inFlight: 1 }])
    hold.open()
    await app.until(() => app.count('record.done') === 2)
    assert.deepEqual(ran, ['old a attempt 1', 'new a attempt 2', 'new b attempt 1'])
  })

  it('counts by the new retry policy from the next failure on', async (t) => {
    const run = () => {
      throw new Error('always')
    }
    const retry = { attempts: 1_000, backoff: 'fixed', minMs: 1, maxMs: 1, jitter: false } as const
    const app = await aRunningApp(t, [aHandler('charge', { retry, run })])
    await app.send('charge', 1)
    await app.until(() => app.count('record.retry') >= 3)
    await app.runtime.update([aHandler('charge', { retry: { ...retry, attempts: 1 }, run })])
    await app.until(() => app.count('record.dead') === 1)
  })

  it('starts as many at once as the new concurrency says, those of the old code counted in', async (t) => {
    const hold = gate()
    let running = 0
    let most = 0
    const run = async () => {
      running++
      most = Math.max(most, running)
      app.changed()
      await hold.opened
      running--
    }
    const app = await aRunningApp(t, [aHandler('charge', { concurrency: 1, run })])
    for (let each = 0; each < 5; each++) await app.send('charge', each)
    await app.until(() => running === 1)
    await app.runtime.update([aHandler('charge', { concurrency: 3, run })])
    await app.until(() => running === 3)
    assert.equal(app.runtime.snapshot().groups[0]?.handlers[0]?.concurrency, 3)
    hold.open()
    await app.until(() => app.count('record.done') === 5)
    assert.equal(most, 3)
  })

  it('stops a deleted handler under load: what is in flight is finished, the others go on, nothing is lost for its return', async (t) => {
    const values: unknown[] = []
    const hold = gate()
    const charge = aHandler('charge', {
      run: async ({ value }) => {
        values.push(value)
        app.changed()
        if (value === 0) await hold.opened
      },
    })
    const audit = aHandler('audit', { group: 'audit' })
    const app = await aRunningApp(t, [charge, audit])
    await app.send('charge', 0, 'k')
    await app.until(() => values.length === 1)
    for (let each = 1; each <= 50; each++) await app.send('charge', each, 'k')
    const removing = app.runtime.update([audit])
    await app.send('audit', 'goes on')
    await app.until(() => app.count('record.done', 'audit') === 1)
    hold.open()
    const update = await removing
    assert.deepEqual(
      update.groups.map(({ group, change }) => [group, change]),
      [['shop', 'stopped']],
    )
    assert.equal(app.count('record.done', 'charge'), 1)
    assert.deepEqual(
      app.events.flatMap((event) => (event.kind === 'partition.revoked' ? [event.topic] : [])),
      ['charge', 'charge'],
    )
    await app.runtime.update([charge, audit])
    await app.until(() => app.count('record.done', 'charge') === 51)
    assert.deepEqual(
      values,
      Array.from({ length: 51 }, (_, index) => index),
    )
  })

  it('refuses a topic that is not there before anything has changed', async (t) => {
    const app = await aRunningApp(t, [aHandler('charge')])
    await assert.rejects(app.runtime.update([aHandler('charge', { topic: 'nowhere' })]), { code: 'PYR_TOPIC_UNKNOWN' })
    await app.send('charge', 1)
    await app.until(() => app.count('record.done') === 1)
    assert.equal(app.count('partition.revoked'), 0)
  })

  it('goes on with the old code when the new cannot be made ready, and takes the next update', async (t) => {
    const charge = aHandler('charge')
    const app = await aRunningApp(t, [charge])
    const schema = {
      '~kind': 'Object',
      type: 'object',
      get properties(): never {
        throw new Error('no schema')
      },
    }
    const definition = { ...charge.definition, topic: { ...charge.definition.topic, schema } }
    await assert.rejects(app.runtime.update([{ ...charge, definition }]))
    await app.send('charge', 1)
    await app.until(() => app.count('record.done') === 1)
    assert.deepEqual((await app.runtime.update([aHandler('charge')])).replaced.length, 1)
  })

  it('is refused once the runtime is told to stop', async (t) => {
    const app = await aRunningApp(t, [aHandler('charge')], ['refunds'])
    const update = app.runtime.update([aHandler('charge', { topic: 'refunds' })])
    const refused = assert.rejects(update, { code: 'PYR_USAGE' })
    await app.runtime.stop()
    await refused
  })
})

describe('pausing a runtime', timeout, () => {
  it('starts nothing more, finishes what is in flight, keeps the partitions, and goes on where it was', async (t) => {
    const hold = gate()
    let started = 0
    const run = async () => {
      started++
      app.changed()
      await hold.opened
    }
    const app = await aRunningApp(t, [
      aHandler('charge', { concurrency: 1, run }),
      aHandler('audit', { group: 'audit' }),
    ])
    await app.send('charge', 1)
    await app.send('charge', 2)
    await app.until(() => started === 1)
    app.runtime.pause()
    assert.deepEqual(app.runtime.paused, ['audit', 'charge'])
    hold.open()
    await app.until(() => app.count('record.done') === 1)
    await app.send('audit', 1)
    // Polling goes on: the record is taken in, and waits.
    const queued = () => app.runtime.snapshot().groups.map((group) => group.queued)
    while (queued().some((count) => count !== 1)) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(started, 1)
    assert.equal(app.count('record.done'), 1)
    app.runtime.resume()
    await app.until(() => app.count('record.done') === 3)
    assert.equal(app.count('partition.revoked'), 0)
  })

  it('is logged with who is paused since, and so are new code and an end at once', async (t) => {
    const app = await aRunningApp(t, [aHandler('charge'), aHandler('mail')])
    const before = app.lines.length
    app.runtime.pause('mail')
    app.runtime.pause()
    app.runtime.resume('mail')
    await app.runtime.update([aHandler('charge', { run: () => 'new' }), aHandler('mail')])
    app.runtime.abort()
    assert.deepEqual(
      app.lines.slice(before).map(({ level, message, fields }) => [level, message, fields]),
      [
        ['info', 'paused: nothing more is started', { handler: 'mail', paused: ['mail'] }],
        ['info', 'paused: nothing more is started', { handler: 'all', paused: ['charge', 'mail'] }],
        ['info', 'resumed: what has waited is started', { handler: 'mail', paused: ['charge'] }],
        ['info', 'a handler runs its new code', { handler: 'charge', inFlight: 0 }],
        ['info', 'a handler runs its new code', { handler: 'mail', inFlight: 0 }],
        ['warn', 'stopping at once: nothing in flight is waited for', { groups: 1 }],
      ],
    )
  })

  it('holds for one handler while the others go on, and for its new code', async (t) => {
    const app = await aRunningApp(t, [aHandler('charge'), aHandler('mail')])
    app.runtime.pause('charge')
    assert.deepEqual(app.runtime.paused, ['charge'])
    await app.send('charge', 1)
    await app.send('mail', 1)
    await app.until(() => app.count('record.done', 'mail') === 1)
    await app.runtime.update([aHandler('charge', { ordering: 'unordered' }), aHandler('mail')])
    await app.send('mail', 2)
    await app.until(() => app.count('record.done', 'mail') === 2)
    assert.equal(app.count('record.done', 'charge'), 0)
    app.runtime.resume('charge')
    await app.until(() => app.count('record.done', 'charge') === 1)
  })

  it('holds from the start for those that the options name, says so, and ends with a resume', async (t) => {
    const app = await aRunningApp(t, [aHandler('charge'), aHandler('mail')], [], ['charge'])
    assert.deepEqual(app.runtime.paused, ['charge'])
    const [started] = app.lines.filter(({ message }) => message === 'started')
    assert.deepEqual(started?.fields, { broker: 'memory', handlers: 2, groups: 1, paused: ['charge'] })
    await app.send('charge', 1)
    await app.send('mail', 1)
    await app.until(() => app.count('record.done', 'mail') === 1)
    const queued = () => app.runtime.snapshot().groups[0]?.queued
    while (queued() !== 1) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(app.count('record.done', 'charge'), 0)
    app.runtime.resume('charge')
    await app.until(() => app.count('record.done', 'charge') === 1)
  })

  it('does not begin where the options name a handler that there is not', async (t) => {
    await assert.rejects(aRunningApp(t, [aHandler('charge')], [], ['chrage']), {
      code: 'PYR_USAGE',
      message: /no handler 'chrage'\. Did you mean "charge"\?/,
    })
  })

  it('holds for all but the one that is resumed', async (t) => {
    const app = await aRunningApp(t, [aHandler('charge'), aHandler('mail')])
    app.runtime.pause()
    app.runtime.resume('mail')
    assert.deepEqual(app.runtime.paused, ['charge'])
  })

  it('names the handler that was probably meant', async (t) => {
    const app = await aRunningApp(t, [aHandler('charge')])
    assert.throws(() => app.runtime.pause('chrage'), {
      code: 'PYR_USAGE',
      message: /no handler 'chrage'\. Did you mean "charge"\?/,
    })
  })
})

it(
  'publishes by the schema and the format of the newest code, though handlers that have not changed keep theirs',
  timeout,
  async (t) => {
    const facts = { kind: 'pyrallel.schema', format: 'avro', guid: null, fingerprint: 'f00d', text: '"long"' } as const
    const formatAs = (id: number) => ({ copies: { format: avro({ ...facts, subject: 'copies-value', id }) } })
    const old = { topicSchemas: { told: Type.String() }, topicFormats: formatAs(7) }
    const stays = { ...aHandler('a'), ...old, publishes: [] }
    const writes = { ...aHandler('b'), ...old, publishes: ['copies', 'told'] }
    const app = await aRunningApp(t, [stays, writes], ['copies', 'told'])
    await app.runtime.publish('told', 'a text')
    await app.runtime.publish('copies', 1n)
    const newer = { topicSchemas: { told: Type.Number() }, topicFormats: formatAs(8) }
    await app.runtime.update([stays, { ...writes, ...newer }])
    await app.runtime.publish('copies', 1n)
    await assert.rejects(app.runtime.publish('told', 'a text'), { code: 'PYR_SCHEMA' })
    await app.runtime.publish('told', 5)
    const written = [0, 1].flatMap((partition) => app.cluster.log('copies', partition).records)
    assert.deepEqual(written.map(({ value }) => value?.toString('hex')).sort(), ['000000000702', '000000000802'])
  },
)
