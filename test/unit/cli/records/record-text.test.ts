/** Words for records on a terminal. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { keyText, msText } from '../../../../cli/records/record-text.ts'

it('shows a duration in the unit that a person would choose', () => {
  const shown = [0.25, 9.99, 450, 9_999, 10_000, 90_000, 120_000, 3_240_000, 7_200_000, 86_400_000].map(msText)
  assert.deepEqual(shown, [
    '0.3 ms',
    '10.0 ms',
    '450 ms',
    '9999 ms',
    '10.0 s',
    '90.0 s',
    '2.0 min',
    '54.0 min',
    '2.0 h',
    '24.0 h',
  ])
})

it('shows a key as text, and one that is no text in base64', () => {
  const keys = [null, Buffer.of(), Buffer.from('c1'), Buffer.from('000000000902740c', 'hex'), Buffer.alloc(99, 1)]
  assert.deepEqual(keys.map(keyText), ['-', "''", 'c1', 'AAAAAAkCdAw=', 'AQEBAQEBAQEBAQEBAQEBAQE…'])
  // Without its schema in front of it, and a text that turns what is read around.
  assert.deepEqual([Buffer.of(6), Buffer.of(8), Buffer.from('a\u202eb')].map(keyText), ['Bg==', 'CA==', 'a·b'])
})
