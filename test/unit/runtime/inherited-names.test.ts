/** A topic that is called like something every object has is looked up like any other. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Type } from 'typebox'
import { aHandler, aRunningApp } from './running-app.ts'

it('a value is published to a topic named constructor by the schema it has, and without one where it has none', async (t) => {
  const outcomes: unknown[] = []
  const publishing = aHandler('a', {
    run: async (_, { publish }) => {
      await publish('constructor', { any: 'value' })
      outcomes.push(await publish('toString', 5).catch(({ code }) => code))
    },
  })
  const topicSchemas = JSON.parse('{"toString":{"type":"string"}}') as Record<string, ReturnType<typeof Type.String>>
  const app = await aRunningApp(t, [{ ...publishing, topicSchemas }], ['a', 'constructor', 'toString'])
  await app.send('a', 1)
  await app.until(() => app.count('record.done') + app.count('record.dead') === 1)
  assert.deepEqual([app.count('record.done'), outcomes], [1, ['PYR_SCHEMA']])
})
