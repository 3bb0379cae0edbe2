import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { idFrame, isFramed, refText, valueFrame, writtenFrame } from '../../../framework/formats/value-frame.ts'
import type { RecordHeader } from '../../../framework/model/record.ts'

const guid = '89791762-2336-4186-9674-299b90a802e2'
const guidBytes = Buffer.concat([Buffer.of(1), Buffer.from(guid.replaceAll('-', ''), 'hex')])
const header = (value: Buffer | null): RecordHeader => ['__value_schema_id', value]

describe('the frame of a value', () => {
  it('is byte 0 and an id of 4 bytes, highest first', () => {
    assert.deepEqual(valueFrame(Buffer.of(0, 0, 0, 1, 2, 9), []), { ref: { id: 258 }, from: 5 })
    assert.deepEqual(idFrame(258), Buffer.of(0, 0, 0, 1, 2))
    assert.equal(refText({ id: 258 }), 'id 258')
  })

  it('is byte 1 and a GUID of 16 bytes', () => {
    assert.deepEqual(valueFrame(Buffer.concat([guidBytes, Buffer.of(9)]), []), { ref: { guid }, from: 17 })
    assert.equal(refText({ guid }), `GUID ${guid}`)
  })

  it('is a header where there is one: the last that has a value, with nothing in front of the value', () => {
    const headers = [header(Buffer.of(0, 0, 0, 0, 1)), header(guidBytes), header(null)]
    assert.deepEqual(valueFrame(Buffer.of(0, 0, 0, 0, 7), headers), { ref: { guid }, from: 0, beside: Buffer.alloc(0) })
    assert.match(valueFrame(Buffer.of(0, 0, 0, 0, 7), [header(Buffer.of(5))]) as string, /header .* names no schema/)
  })

  it('is written as its format says, and found again', () => {
    const schema = {
      kind: 'pyrallel.schema',
      format: 'avro',
      subject: 's',
      id: 258,
      guid,
      fingerprint: '',
      text: '',
    } as const
    const value = Buffer.of(9)
    const vectors: readonly (readonly [
      framing: 'id' | 'guid' | 'header' | undefined,
      inFront: string,
      beside: string,
    ])[] = [
      [undefined, '0000000102', ''],
      ['id', '0000000102', ''],
      ['guid', '0189791762233641869674299b90a802e2', ''],
      ['header', '', '0189791762233641869674299b90a802e2'],
    ]
    for (const [framing, inFront, beside] of vectors) {
      const written = writtenFrame({ schema, ...(framing !== undefined && { framing }) })
      assert.deepEqual(
        [written.bytes.toString('hex'), written.header?.[1]?.toString('hex') ?? '', written.header?.[0]],
        [inFront, beside, beside === '' ? undefined : '__value_schema_id'],
      )
      const record = {
        value: Buffer.concat([written.bytes, value]),
        headers: written.header === undefined ? [] : [written.header],
      }
      const ref = framing === 'guid' || framing === 'header' ? { guid } : { id: 258 }
      assert.deepEqual(valueFrame(record.value, record.headers), {
        ref,
        from: written.bytes.length,
        ...(written.header === undefined ? {} : { beside: Buffer.alloc(0) }),
      })
      assert.equal(isFramed(record, written), true)
      assert.equal(isFramed({ ...record, value: null }, written), true)
      assert.equal(isFramed({ value: Buffer.from('{"a":1}'), headers: [] }, written), false)
    }
    const other = header(Buffer.concat([Buffer.of(1), Buffer.alloc(16)]))
    const byId = writtenFrame({ schema })
    assert.equal(isFramed({ value: byId.bytes, headers: [other] }, byId), false, 'readers believe the header')
  })

  it('is told by its name where another registry has made it', () => {
    const glue = Buffer.concat([Buffer.of(3, 0), Buffer.alloc(16, 7)])
    assert.match(valueFrame(glue, []) as string, /AWS Glue registry; only registries that speak the interface/)
    const apicurio = Buffer.concat([Buffer.alloc(8), Buffer.of(5, 1)])
    assert.match(
      valueFrame(apicurio, []) as string,
      /schema id 5 of an Apicurio registry \(8 bytes\); let its producer/,
    )
  })

  it('is missing in anything else', () => {
    for (const bytes of [
      Buffer.of(),
      Buffer.from('{"a":1}'),
      Buffer.of(0, 0, 0),
      Buffer.of(0, 255, 0, 0, 0),
      Buffer.of(1, 2),
    ]) {
      assert.match(valueFrame(bytes, []) as string, /names no schema: neither byte 0/)
    }
  })
})
