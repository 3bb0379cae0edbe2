/** Which characters are harmful, and what becomes of them and of what is too long. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cutText, harmless, harmlessJson, harmlessLines, keyLine } from '../../../framework/model/plain-text.ts'

/** Controls of both sets, separators of lines, and every mark of direction. */
const marks = [
  0x061c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069,
]
const controls = Array.from({ length: 0x20 }, (_, code) => code)
const others = Array.from({ length: 0x21 }, (_, index) => 0x7f + index)
const harmful = [...controls, ...others, ...marks].map((code) => String.fromCharCode(code))
/** Letters that are written from right to left are no marks. */
const fine = 'abc ü שלום 日本 😀 · %$"\\'

describe('text of strangers', () => {
  it('loses every character that does something and is not seen, and no other', () => {
    for (const each of harmful) assert.equal(harmless(`a${each}b`), 'a·b', `U+${each.charCodeAt(0).toString(16)}`)
    assert.equal(harmless(fine), fine)
  })

  it('keeps its own line breaks where it may have several lines, which then begin as none of ours', () => {
    assert.equal(harmlessLines('a\r\n12:00:01 info\u001b[2J', '    '), 'a·\n    12:00:01 info·[2J')
  })

  it('means the same as JSON, without a character that does something', () => {
    const value = { [harmful.join('')]: harmful.join('x'), fine }
    const json = harmlessJson(JSON.stringify(value))
    assert.deepEqual(JSON.parse(json), value)
    assert.equal(harmless(json), json)
  })

  it('is cut to its limit, which its ellipsis is a part of, and never within a character', () => {
    assert.equal(cutText('abcd', 4), 'abcd')
    assert.equal(cutText('abcde', 4), 'abc…')
    assert.equal(cutText('ab😀e', 4), 'ab…')
  })
})

describe('a key in one line', () => {
  it('is its text, cut to so many bytes and never within a character', () => {
    assert.equal(keyLine(Buffer.from('abcd'), 4), 'abcd')
    assert.equal(keyLine(Buffer.from('aüüü'), 4), 'aü…')
    assert.equal(keyLine(Buffer.from('a😀b'), 3), 'a…')
    assert.equal(keyLine(Buffer.of(), 4), '')
  })

  it('is base64 where it is no text, so that two of them never look the same', () => {
    const framed = [Buffer.from('00000000078001', 'hex'), Buffer.from('00000000078201', 'hex')]
    assert.deepEqual(
      framed.map((key) => keyLine(key, 64)),
      ['AAAAAAeAAQ==', 'AAAAAAeCAQ=='],
    )
    assert.equal(keyLine(Buffer.from('000000000902740c', 'hex'), 64), 'AAAAAAkCdAw=')
    // Named in a header: nothing stands in front.
    assert.equal(keyLine(Buffer.of(6), 64), 'Bg==')
    assert.equal(keyLine(Buffer.from([0x63, 0xff]), 64), 'Y/8=')
    assert.equal(keyLine(Buffer.from('c1\n'), 64), 'YzEK')
    assert.equal(keyLine(Buffer.alloc(9, 0xff), 3), '////…')
  })
})
