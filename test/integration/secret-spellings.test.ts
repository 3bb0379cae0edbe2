/** Thirty spellings of secrets: in the config, in what handlers log and throw, in values of records. None is in anything that the command says or writes. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { aProject, command } from './command-process.ts'
import { assertNoSecret, secret, secretNames } from './strangers.ts'

/** The value comes from the environment, as secrets do; its name is nobody's business. */
const spelled = `Object.fromEntries(${JSON.stringify(secretNames)}.map((name) => [name, process.env.OF_THE_TEST ?? '']))`
const env = { OF_THE_TEST: secret, DEBUG: '1' }
const brokers = '127.0.0.1:9'

const config = (more = '') => `import { defineConfig } from 'pyrallel'
const all: Record<string, string> = ${spelled}
export default defineConfig({
  group: 'vault',
  logging: { level: 'debug', pretty: false },
  kafka: { brokers: ['${brokers}'], librdkafka: all },
${more}})
`
/** Logs them, and throws them as properties of an error and of its cause: as a client for HTTP does with the request that has failed. */
const pay = `import { DeadLetter, handler, Type } from 'pyrallel'
const all: Record<string, string> = ${spelled}
let isSeen = false
const watch = setInterval(() => { if (!isSeen) return; clearInterval(watch); throw failure() }, 10)
watch.unref()
const failure = () => Object.assign(new Error('refused', { cause: Object.assign(new Error('behind it'), { request: { headers: all } }) }), all)
export default handler('orders', { schema: Type.Object({ sku: Type.String({ pattern: '^[a-z]+$' }) }), retry: { attempts: 2, min: 1, max: 1 } }, (record, { log }) => {
  isSeen = true
  log.info({ ...all, deep: { again: [all] } }, 'paying')
  log.error({ err: failure() }, 'it did not go well')
  if (record.offset === 6) throw all
  if (record.offset === 2) throw new DeadLetter('refused for good', { cause: failure() })
  if (record.offset % 2 === 0) throw failure()
})
`
const traffic = `const all: Record<string, string> = ${spelled}
export const traffic = function* () { for (let n = 0; ; n++) yield { topic: 'orders', key: 'k' + n, value: n % 5 === 4 ? { sku: 'ABC', ...all } : { sku: 'abc', ...all } } }
`
const files = {
  'package.json': '{ "name": "vault", "version": "1.0.0", "type": "module" }',
  '.env': `OF_THE_TEST=${secret}\n`,
  'pyrallel.config.ts': config(),
  'handlers/pay.ts': pay,
}
/** The same without properties of librdkafka, which knows none of them: what is to connect, or to run. */
const running = { ...files, 'pyrallel.config.ts': config().replace(', librdkafka: all', '') }

/** Throws as soon as its module was read, where nobody catches it. */
const thrownAtOnce = pay.replace('let isSeen', 'setTimeout(() => { throw failure() }, 0)\nlet isSeen')

interface Row {
  readonly what: string
  /** What is run before. */
  readonly after?: readonly string[]
  /** Command lines that run side by side. */
  readonly args: readonly (readonly string[])[]
  readonly files?: Readonly<Record<string, string>>
  /** What shows that the output is the one that is meant. */
  readonly says: RegExp
  readonly end?: number
}

const rows: readonly Row[] = [
  { what: 'config', args: [['config'], ['config', '--explain'], ['config', '--json']], says: /\(hidden\)/ },
  { what: 'doctor', args: [['doctor'], ['doctor', '--json']], says: /No such configuration property/, end: 1 },
  { what: 'generate', args: [['generate'], ['generate', '--json']], says: /generated\/|"handlers"/ },
  {
    what: 'topics',
    after: ['generate'],
    args: [['topics'], ['topics', '--json']],
    says: /PYR_CONFIG_INVALID/,
    end: 1,
  },
  {
    what: 'a verb that has loaded handlers, one of which throws where nobody catches it',
    after: ['generate'],
    args: [['topics'], ['topics', '--json']],
    files: { ...running, 'handlers/pay.ts': thrownAtOnce },
    says: /PYR_UNCAUGHT|PYR_BROKER_UNREACHABLE/,
    end: 1,
  },
  {
    what: 'verbs for records and offsets',
    args: [
      ['send', 'orders', '{"sku":"abc"}'],
      ['inspect', 'offsets', 'vault'],
      ['inspect', 'offsets', 'vault', '--json'],
      ['dlq', 'list', 'orders.vault.dlq'],
      ['dlq', 'replay', 'orders.vault.dlq'],
    ],
    says: /PYR_CONFIG_INVALID/,
    end: 1,
  },
  { what: 'status', args: [['status'], ['status', '--json']], says: /PYR_/, end: 1 },
  {
    what: 'a config that throws them',
    args: [['config'], ['config', '--json']],
    files: {
      ...files,
      'pyrallel.config.ts': `throw Object.assign(new Error('refused', { cause: Object.assign(new Error('behind it'), ${spelled}) }), ${spelled})\n`,
    },
    says: /refused/,
    end: 1,
  },
  {
    what: 'a config with wrong options of their names',
    args: [['config'], ['config', '--json']],
    files: { ...files, 'pyrallel.config.ts': config('  ...(all as object),\n') },
    says: /PYR_CONFIG_INVALID/,
    end: 1,
  },
  {
    what: 'a handler that throws them when it is loaded',
    args: [['dev', '--broker', 'memory', '--traffic', '--records', '3']],
    files: {
      ...running,
      'handlers/pay.ts': `throw Object.assign(new Error('refused'), ${spelled})\nexport default 1\n`,
      'handlers/_traffic.ts': traffic,
    },
    says: /PYR_|refused/,
    end: 1,
  },
]

describe('thirty spellings of secrets are not in the output of', { timeout: 300_000 }, () => {
  for (const { what, after: first, args, files: of = files, says, end = 0 } of rows) {
    it(what, async () => {
      const root = aProject(of)
      if (first !== undefined) assert.equal((await command(root, first, { env }).ended).end, 0)
      const results = await Promise.all(args.map((argv) => command(root, argv, { env }).ended))
      for (const { end: code, out, err } of results) {
        assert.match(out + err, says)
        assert.equal(code, end, out + err)
        assertNoSecret(out + err, what)
      }
      assertNothingWritten(root)
    })
  }

  for (const json of [[], ['--json']]) {
    it(['dev', ...json, 'with a handler that logs and throws them, and values that hold them'].join(' '), async () => {
      const root = aProject({ ...running, 'handlers/_traffic.ts': traffic })
      const dev = command(root, ['dev', '--broker', 'memory', '--traffic', '--rate', '30', ...json], { env })
      await dev.seen(/refused for good/)
      await dev.seen(/does not satisfy its schema/)
      const during = await dev.seen(/PYR_UNCAUGHT/)
      assertNoSecret(during, 'its screen')
      assertNothingWritten(root)
      dev.signal('SIGINT')
      const { out, err } = await dev.ended
      assert.match(out + err, /paying/)
      assertNoSecret(out + err, 'its output')
    })
  }
})

/** Nothing that the command has made holds one. What the project has brought itself is left out. */
function assertNothingWritten(root: string): void {
  for (const folder of ['dist', '.pyrallel', 'generated']) {
    const at = join(root, folder)
    if (!existsSync(at)) continue
    for (const file of readdirSync(at, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) assertNoSecret(readFileSync(join(file.parentPath, file.name), 'latin1'), file.name)
    }
  }
}

describe('a build of them', { timeout: 300_000 }, () => {
  it('has none in its files, nor in what it says', async () => {
    const root = aProject(running)
    for (const json of [[], ['--json']]) {
      const { end, out, err } = await command(root, ['build', ...json], { env }).ended
      assert.equal(end, 0, err)
      assertNoSecret(out + err, 'build')
    }
    assert.ok(readdirSync(join(root, 'dist')).length > 3)
    assertNothingWritten(root)
  })

  it('says none when a handler throws them while it is loaded, and when nobody catches them', async () => {
    const early = thrownAtOnce
    for (const [what, of, says] of [
      [
        'a crash at the start',
        {
          ...running,
          'handlers/pay.ts': pay.replace('export default', `if (process.env.CRASH) throw failure()\nexport default`),
        },
        /refused/,
      ],
      ['an exception that nobody catches', { ...running, 'handlers/pay.ts': early }, /PYR_UNCAUGHT|refused/],
    ] as const) {
      const root = aProject(of)
      assert.equal((await command(root, ['build'], { env }).ended).end, 0)
      const at = { ...env, CRASH: what.includes('start') ? '1' : '' }
      const { end, out, err } = await command(root, ['start'], { env: at }).ended
      assert.equal(end, 1)
      assert.match(out + err, says)
      assertNoSecret(out + err, what)
      // As in a container: what `pyrallel start` listens to does not stand before it.
      const server = spawnSync(process.execPath, ['dist/server.mjs'], {
        ...{ cwd: root, env: { ...process.env, ...at }, encoding: 'utf8', timeout: 60_000 },
      })
      assert.equal(server.status, 1)
      assert.match(server.stdout + server.stderr, says)
      assertNoSecret(server.stdout + server.stderr, `${what}, by node`)
    }
  })
})
