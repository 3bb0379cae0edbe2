/** Which patterns are said to go back and forth. The analysis reads patterns; none of them is run on a text. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { patternRisk } from '../../../../../cli/codegen/schema/pattern-risk.ts'

const exponential = [
  '^(a+)+$',
  '^(a*)*$',
  '^([a-z]+)*$',
  '^(\\w+\\s?)*$',
  '^(?:\\d|\\w)*x$',
  '^(a|ab|b)*c$',
  '^(a|a?)+$',
  '^([a-zA-Z0-9]+[._-]?)+@x$',
  '^(.*,)*$',
  '^((ab)+)+$',
  '^([a-z]{1,20})*$',
  '^(?:(?:a+){2,50})$',
  '^(a+){1,30}$',
  '^x(?=(y+)+z)x$',
  '(\\p{L}+)+!',
]
const polynomial = [
  '^\\d+\\d+$',
  '^\\s*\\s*$',
  '^.*,.*,.*$',
  '^\\w+[a-z]*$',
  '^.+@.+\\..+$',
  '^[a-z]*-?[a-z]*$',
  '^a*b?a*$',
  '^[\\s\\S]*x[\\s\\S]*y$',
]
const harmless = [
  '',
  '^[A-Z]{3}-\\d{3}$',
  '^[a-z]+$',
  '^[a-z]+(-[a-z]+)*$',
  '^[a-z]+(?:\\.[a-z]+)+$',
  '^(?:[a-z]+-)*$',
  '^-?\\d+(\\.\\d+)?$',
  '^-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][-+]?\\d+)?$',
  '^[\\w.-]+@[\\w-]+\\.[a-z]{2,}$',
  '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?Z$',
  '^(\\d{4} ){3}\\d{4}$',
  '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
  '^(GET|PUT|POST)$',
  '^\\p{Lu}\\p{Ll}*$',
  '^[^,]*,[^,]*$',
  '^"(?:[^"\\\\]|\\\\.)*"$',
  '^.*foo.*',
  '\\d+',
  '^(\\d{1,3}\\.){3}\\d{1,3}$',
  '^(?<year>\\d+)-\\k<year>$',
]

describe('patternRisk', () => {
  it('finds repetitions inside of repetitions that share characters', () => {
    for (const pattern of exponential) assert.equal(patternRisk(pattern), 'exponential', pattern)
  })

  it('finds repetitions one behind the other that share characters', () => {
    for (const pattern of polynomial) assert.equal(patternRisk(pattern), 'polynomial', pattern)
  })

  it('says nothing of patterns with one way to match a text', () => {
    for (const pattern of harmless) assert.equal(patternRisk(pattern), undefined, pattern)
  })

  it('takes a moment for any pattern, however long', () => {
    const long = ['^([a-z]+,)*$', '^(a|b|c|d)?x', '^[a-z]*0[a-z]*1[a-z]*2', '(?:'].map((part) =>
      part.replace('(?:', '^').repeat(1),
    )
    const patterns = [
      ...long,
      `^${'(a|b)*c'.repeat(60)}$`,
      `^${'[a-z]?'.repeat(300)}$`,
      `^${'('.repeat(50)}a${')+'.repeat(50)}$`,
    ]
    const startedAt = performance.now()
    for (const pattern of patterns) patternRisk(pattern)
    assert.ok(performance.now() - startedAt < 5_000)
  })
})
