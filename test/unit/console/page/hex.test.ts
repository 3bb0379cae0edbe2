import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hexOf } from '../../../../framework/console/page/models/hex.ts'

const view = { text: '', bytes: 0, isCut: false, isMasked: false }

describe('bytes in hexadecimal', () => {
  it('are of text and of what is none, sixteen a line', () => {
    assert.equal(hexOf({ ...view, text: '\0\0é' }), '00 00 c3 a9')
    const bytes = Buffer.from(Array.from({ length: 18 }, (_, index) => 255 - index))
    const [first, second] = (hexOf({ ...view, base64: bytes.toString('base64') }) ?? '').split('\n')
    assert.deepEqual([first?.length, second], [47, 'ef ee'])
  })

  it('are not there where some of them are not, or nobody may see them', () => {
    assert.equal(hexOf({ ...view, isCut: true }), undefined)
    assert.equal(hexOf({ ...view, isMasked: true }), undefined)
  })
})
