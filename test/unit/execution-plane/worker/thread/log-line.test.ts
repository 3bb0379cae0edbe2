/** Log lines on their way out of a thread: whatever a handler logs, the call does not throw, and neither does the other side. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type LogLine, PostingLogger, replay } from '../../../../../framework/execution-plane/worker/thread/log-line.ts'
import type { Logger } from '../../../../../framework/model/logger.ts'

type Said = readonly [fields: Readonly<Record<string, unknown>>, message: string]
/** A log call as a handler without types writes it. */
type Call = (fields?: unknown, message?: unknown) => void

function recorded(said: Said[], bindings: object = {}): Logger {
  const write = (fields: object, message: string): void => void said.push([{ ...bindings, ...fields }, message])
  const child = (more: object) => recorded(said, { ...bindings, ...more })
  return { debug: write, info: write, warn: write, error: write, child }
}

/** What arrives of what is logged in a thread. */
function replayed(logIt: (info: Call, log: Logger) => void): Said[] {
  const said: Said[] = []
  const log = new PostingLogger((line) => replay(recorded(said), structuredClone(line)), { handler: 'h' })
  logIt((...given) => log.info(...(given as [object, string])), log)
  return said
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const unreadable = {
  fine: 1,
  get odd(): number {
    throw new Error('nobody reads this')
  },
}

describe('log lines of a thread', () => {
  const table: readonly (readonly [what: string, given: readonly unknown[], fields: object, message: string])[] = [
    ['fields and a message', [{ a: 1 }, 'm'], { a: 1 }, 'm'],
    ['null', [null, 'm'], {}, 'm'],
    ['a text only', ['only text'], {}, 'only text'],
    ['fields only', [{ a: 1 }], { a: 1 }, ''],
    ['nothing at all', [], {}, ''],
    ['a number', [7, 'm'], {}, 'm'],
    ['a function', [() => {}, 'm'], {}, 'm'],
    ['what makes nothing of itself', [{ a: 1, toJSON: () => undefined }, 'm'], { a: 1 }, 'm'],
    ['what makes a text of itself', [new URL('http://a.example'), 'm'], {}, 'm'],
    ['a list', [['a', 'b'], 'm'], { 0: 'a', 1: 'b' }, 'm'],
    ['a getter that throws', [unreadable, 'm'], { fine: 1, odd: '[cannot be shown]' }, 'm'],
    ['what nobody can look into', [revoked(), 'm'], {}, 'm'],
    ['a message that is no text', [{}, Object.create(null)], {}, '[cannot be shown]'],
    ['a bigint and what JSON leaves out', [{ big: 5n, left: undefined, call: () => {} }, 'm'], { big: 5 }, 'm'],
  ]
  for (const [what, given, fields, message] of table) {
    it(`carry ${what}`, () => {
      assert.deepEqual(
        replayed((info) => info(...given)),
        [[{ handler: 'h', ...fields }, message]],
      )
    })
  }

  it('carry an error, alone and among fields, with its own properties', () => {
    const error = Object.assign(new RangeError('refused'), { code: 7, toJSON: () => undefined })
    const said = replayed((info) => {
      info(error)
      info({ err: error, tries: 2 }, 'm')
    })
    assert.deepEqual(
      said.map(([{ err, tries }, message]) => [(err as RangeError & { readonly code: number }).code, tries, message]),
      [
        [7, undefined, 'refused'],
        [7, 2, 'm'],
      ],
    )
    assert.match(String(said[0]?.[0].err), /RangeError: refused/)
  })

  it('carry a property of an error that is called __proto__ as one like any other', () => {
    const error = new RangeError('refused')
    Object.defineProperty(error, '__proto__', { value: { code: 7 }, enumerable: true })
    const [said] = replayed((info) => info(error))
    const arrived = said?.[0].err as object
    assert.ok(arrived instanceof Error)
    assert.deepEqual(Object.getOwnPropertyDescriptor(arrived, '__proto__')?.value, { code: 7 })
  })

  it('carry an error that cannot be read as fields', () => {
    const odd = Object.defineProperty(new Error('x'), 'message', {
      get() {
        throw new Error('nobody reads this')
      },
    })
    assert.deepEqual(
      replayed((info) => info(odd, 'm')),
      [[{ handler: 'h' }, 'm']],
    )
  })

  it('keep the bindings of a child that has odd ones', () => {
    const said = replayed((_info, log) =>
      log
        .child({ toJSON: () => undefined })
        .child(unreadable)
        .info({}, 'm'),
    )
    assert.deepEqual(said, [[{ handler: 'h', fine: 1, odd: '[cannot be shown]' }, 'm']])
  })

  it('are told as unwritten, and no more, when they cannot be written', () => {
    const said: Said[] = []
    const broken: Logger = {
      ...recorded(said),
      child: () => {
        throw new Error('no such binding')
      },
    }
    const line: LogLine = { level: 'info', bindings: '{}', fields: '{}', message: 'm' }
    replay(broken, line)
    assert.deepEqual(
      said.map(([{ line: of, err }, message]) => [of, String(err), message]),
      [['m', 'Error: no such binding', 'a log line of a thread could not be written']],
    )
  })
})
