/** What the console gives to take along of a record, and where a failure comes from. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { FailurePlaces } from '../../../framework/console/failure-places.ts'
import { sendOf, testOf } from '../../../framework/console/record-copies.ts'
import type { KafkaRecord } from '../../../framework/model/record.ts'

function aRecord(over: Partial<KafkaRecord> = {}): KafkaRecord {
  const bytes = { key: Buffer.from('c1'), value: Buffer.from('{"id":1}') }
  return { topic: 'orders', partition: 2, offset: 19, timestamp: 5, headers: [], ...bytes, ...over }
}

/** What a shell makes of the line: the arguments behind `npx pyrallel send`. */
function argumentsIn(line: string): readonly string[] {
  const shown = `show() { printf '%s\\0' "$@"; }; ${line.replace('npx pyrallel send', 'show')}`
  return spawnSync('sh', ['-c', shown]).stdout.toString().split('\0').slice(0, -1)
}

function lineOf(over: Partial<KafkaRecord>): string {
  const made = sendOf(aRecord(over))
  return 'line' in made ? made.line : assert.fail(made.why)
}

describe('a record as a command', () => {
  it('comes out of a shell as it went in: quotes, dollars, backslashes, spaces, line ends', () => {
    const value = Buffer.from('{ "a": "it\'s $HOME `id` \\\\ !x",\n\t"b": -1 }')
    const headers = [['source', Buffer.from("a'b=c d")]] as const
    const [option, key, header, text, end, topic, written] = argumentsIn(
      lineOf({ key: Buffer.from("c'1; rm -rf x"), value, headers }),
    )
    assert.deepEqual([option, key, header, text], ['--key', "c'1; rm -rf x", '--header', "source=a'b=c d"])
    assert.deepEqual([end, topic], ['--', 'orders'])
    assert.deepEqual(JSON.parse(written ?? ''), JSON.parse(value.toString()))
  })

  it('has no byte that a terminal takes for a command, whatever the value has', () => {
    const value = Buffer.from(JSON.stringify('\u007f\u0085\u202e \u001b[2J'))
    const line = lineOf({ value })
    assert.doesNotMatch(line, /[\p{Cc}\u202e]/u)
    assert.equal(JSON.parse(argumentsIn(line).at(-1) ?? ''), '\u007f\u0085\u202e \u001b[2J')
  })

  it('sends a tombstone as null, a negative number as no option, and a record without a key without one', () => {
    assert.equal(lineOf({ value: null, key: null }), 'npx pyrallel send -- orders null')
    assert.equal(lineOf({ value: Buffer.from('-5') }), 'npx pyrallel send --key c1 -- orders -5')
    assert.equal(lineOf({ value: Buffer.from('12345678901234567890') }).endsWith(' 12345678901234567890'), true)
  })

  it('has the JSON of what has a format, escaped, and no header that names its schema', () => {
    const headers = [
      ['__key_schema_id', Buffer.of(1, 0xff)],
      ['__value_schema_id', Buffer.from('mine')],
    ] as const
    const made = sendOf(aRecord({ key: Buffer.of(0xff), headers }), { key: '{"id":"\u202e"}' })
    const expected = ['--key', '{"id":"\\u202e"}', '--header', '__value_schema_id=mine', '--', 'orders', '{"id":1}']
    assert.deepEqual('line' in made && argumentsIn(made.line), expected)
    const both = sendOf(aRecord({ key: null, value: Buffer.of(0xff) }), { key: 'null', value: '5' })
    assert.deepEqual('line' in both && both.line, 'npx pyrallel send --key null -- orders 5')
  })

  it('says why there is none', () => {
    const why = (over: Partial<KafkaRecord>) => {
      const made = sendOf(aRecord(over))
      return 'why' in made ? made.why : ''
    }
    assert.match(why({ value: Buffer.from('no JSON') }), /no JSON/)
    assert.match(why({ value: Buffer.from([0xff]) }), /no JSON/)
    assert.match(why({ value: Buffer.from(`"${'x'.repeat(100_000)}"`) }), /100000 bytes/)
    assert.match(why({ key: Buffer.from([0xff, 1]) }), /key/)
    assert.match(why({ key: Buffer.from('a\u001b[2J') }), /key/)
    assert.match(why({ headers: [['h', null]] }), /"h"/)
  })
})

describe('a record as a test', () => {
  it('shows a value that is plain JSON as an object, and any other as its bytes', () => {
    const codeOf = (value: Buffer | null) => testOf(aRecord({ value }), { handlerId: 'bill', group: 'shop' }, 1)
    assert.match(codeOf(Buffer.from('{"id":1}')), /JSON\.stringify\(\{\n {6}"id": 1\n {4}\}\)/)
    assert.match(
      codeOf(Buffer.from('{"id":12345678901234567890}')),
      /Buffer\.from\("\{\\"id\\":12345678901234567890\}"\)/,
    )
    assert.match(codeOf(Buffer.from('{"__proto__":1}')), /Buffer\.from\("/)
    assert.match(codeOf(Buffer.from([0xff])), /Buffer\.from\('\/w==', 'base64'\)/)
    assert.match(codeOf(null), /value: null/)
  })

  it('lets no name out of its text', () => {
    const code = testOf(aRecord({ topic: "a'\n*/ evil()" }), { handlerId: "x'); evil('", group: 'g\nevil()' }, 1)
    assert.equal(
      code.split('\n').some((line) => line.startsWith('evil') || line.startsWith('*/ evil')),
      false,
    )
  })
})

describe('where a failure comes from', () => {
  const places = new FailurePlaces('/app', 'vscode')
  const of = (stack: string, message = 'no') => places.of({ stack, message })

  it('is its first frame below the root that is in no library, as a link for the editor', () => {
    const stack = [
      'Error: no',
      '    at charge (/app/node_modules/pay/index.js:1:1)',
      '    at Object.run (file:///app/handlers/a%20b.ts?v=3:12:5)',
      '    at /app/handlers/later.ts:1:1',
    ].join('\n')
    const editorUrl = 'vscode://file/app/handlers/a%20b.ts:12:5'
    assert.deepEqual(of(stack), { file: 'handlers/a b.ts', line: 12, column: 5, editorUrl })
    const webstorm = new FailurePlaces('/app', 'webstorm').of({ stack, message: 'no' })
    assert.equal(webstorm?.editorUrl, 'webstorm://open?file=%2Fapp%2Fhandlers%2Fa%20b.ts&line=12&column=5')
    assert.equal(new FailurePlaces('/app', null).of({ stack, message: 'no' })?.editorUrl, null)
  })

  it('lies never outside of the root, whatever a stack says', () => {
    for (const path of ['/etc/passwd', '/app/../etc/passwd', '/app2/x.ts', 'file:///app/%2e%2e/etc/passwd', '/app']) {
      assert.equal(of(`Error: no\n    at x (${path}:1:1)`), null, path)
    }
    assert.equal(of('Error: no\n    at x (/app/.pyrallel/build/chunk.mjs:1:1)'), null)
    assert.equal(of('Error: no\n    at x (javascript:alert(1):1:1)'), null)
  })

  it('is no frame that a message makes up', () => {
    const message = 'no\n    at evil (/app/handlers/secret.ts:1:1)'
    assert.equal(of(`Error: ${message}\n    at run (/app/handlers/pay.ts:3:1)`, message)?.file, 'handlers/pay.ts')
  })
})
