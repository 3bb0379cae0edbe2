import assert from 'node:assert/strict'
import { it } from 'node:test'
import { refuseInvalid } from '../../../../cli/send/send-record.ts'
import { avro, type PulledSchema } from '../../../../framework/api/format.ts'
import { topic } from '../../../../framework/api/topic.ts'

const schema: PulledSchema<unknown> = {
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'amounts-value',
  id: 7,
  guid: null,
  fingerprint: 'f00d',
  text: '"long"',
}

it('sends no JSON to a topic whose values have another format, but tombstones', async () => {
  const amounts = topic('amounts', { format: avro(schema) })
  await assert.rejects(refuseInvalid(amounts, { value: 5, text: '5' }), {
    code: 'PYR_SCHEMA',
    message:
      'Values of amounts have schema amounts-value, in avro, and what is typed here is sent as JSON; nothing was sent. Publish it from code: connectPublisher.',
  })
  await refuseInvalid(amounts, { value: null, text: 'null' })
})
