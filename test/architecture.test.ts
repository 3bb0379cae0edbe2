// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the samples are source text.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { forgottenNames, largeClasses } from './architecture/class-sizes.ts'
import { floors } from './architecture/floors.ts'
import { type RuleName, rules } from './architecture/rules.ts'
import { blankLiterals, scanSource } from './architecture/source-scan.ts'
import { readSourceTree, sourceTree } from './architecture/source-tree.ts'

const checkout = fileURLToPath(new URL('..', import.meta.url))

describe('the sources', () => {
  const tree = readSourceTree(checkout)

  it('are there to be judged', () => {
    for (const path of ['framework/index.ts', 'framework/model/record.ts', 'cli/main.ts'])
      assert.ok(tree.has(path), path)
  })

  it('stand in the rooms that DESIGN.md tells of', () => {
    const design = readFileSync(join(checkout, 'DESIGN.md'), 'utf8')
    const rows = [...design.matchAll(/^\| `((?:framework|cli)\/[\w./-]+)` \| (.+) \|$/gm)]
    assert.deepEqual(
      rows.map(([, path, owns]) => ({ path, owns })),
      floors,
    )
  })

  it('have every class that the list of large classes names', () => {
    assert.deepEqual(forgottenNames(tree), [])
  })

  for (const rule of Object.values(rules)) {
    it(`keep rule ${rule.text}`, () => {
      const found = rule.check(tree).map(({ path, line, why }) => `${path}:${line} ${why}`)
      assert.deepEqual(found, [], `DESIGN.md section 2, never: ${rule.text}`)
    })
  }
})

/** For each rule: what breaks it, one file per breach, and what looks like it and is fine. */
const samples: Readonly<Record<RuleName, { bad: Record<string, string>; good: Record<string, string> }>> = {
  model: {
    bad: {
      'framework/model/a.ts': "import { join } from 'node:path'",
      'framework/model/b.ts': "import type { Clock } from '../time/clock.ts'",
    },
    good: { 'framework/model/c.ts': "import type { X } from './x.ts'\n// import { join } from 'node:path'" },
  },
  controlPlane: {
    bad: {
      'framework/control-plane/a.ts': "import { AsyncEngine } from '../execution-plane/async-engine.ts'",
      'framework/control-plane/b.ts': "import { systemClock } from '../time/clock.ts'",
      'framework/control-plane/c.ts': "import { type Clock } from '../time/clock.ts'",
      'framework/control-plane/d.ts': "import kafka from '@confluentinc/kafka-javascript'",
      'framework/control-plane/deep/e.ts': "import type { Config } from '../../config.ts'",
      'framework/control-plane/f.ts': "export { gzipSync } from 'node:zlib'",
    },
    good: {
      'framework/control-plane/g.ts':
        "import type {\n  ExecutionEngine,\n} from '../execution-plane/execution-engine.ts'\nimport { bug } from '../model/errors.ts'\nimport type { Clock } from '../time/clock.ts'",
    },
  },
  planes: {
    bad: {
      'framework/execution-plane/a.ts': "import type { Route } from '../control-plane/route.ts'",
      'framework/control-plane/b.ts': "const x = await import('../execution-plane/worker-engine.ts')",
    },
    good: {
      'framework/control-plane/c.ts': "import type { ExecutionEngine } from '../execution-plane/execution-engine.ts'",
      'framework/runtime/d.ts': "import { WorkManager } from '../control-plane/work-manager.ts'",
    },
  },
  kafka: {
    bad: {
      'framework/kafka/librdkafka/client.ts': "import kafka from '@confluentinc/kafka-javascript'",
      'framework/kafka/other.ts': "const kafka = await import('@confluentinc/kafka-javascript')",
      'cli/verbs/doctor.ts': "require('@confluentinc/kafka-javascript/lib/error.js')",
      'framework/kafka/javascript/producer.ts': "await import('@platformatic/kafka')",
      'framework/kafka/javascript/connection.ts': "await import('./library.ts')",
    },
    good: {
      'framework/kafka/javascript/client.ts': "await import('./library.ts')",
      'framework/kafka/javascript/library.ts': "export { Writer } from '@platformatic/kafka'",
      'framework/kafka/embedded/embedded-broker.ts': "const kafka = await import('@confluentinc/kafka-javascript')",
      'framework/kafka/types.ts': "import type { Message } from '@confluentinc/kafka-javascript'",
    },
  },
  tools: {
    bad: {
      'cli/verbs/generate.ts': "import { Project } from 'ts-morph'",
      'framework/runtime/a.ts': "await import('ts-morph')",
      'framework/b.ts': "import { build } from 'esbuild'",
      'cli/verbs/start.ts': "await import('esbuild')",
    },
    good: {
      'cli/codegen/scan.ts': "import { Project } from 'ts-morph'",
      'cli/verbs/build.ts': "await import('esbuild')",
    },
  },
  start: {
    bad: {
      'cli/codegen/scan.ts': "import { Project } from 'ts-morph'",
      'cli/verbs/start.ts': "await import('../codegen/generate.ts')\nimport '../dist.ts'",
      'cli/codegen/generate.ts': "import { scan } from './scan.ts'",
      'cli/dist.ts': "import { transform } from 'esbuild'",
    },
    good: {
      'cli/commands/run.ts': "import '../codegen/x.ts'",
      'cli/codegen/x.ts': "import 'ts-morph'",
    },
  },
  framework: {
    bad: {
      'framework/a.ts': "import { main } from '../cli/main.ts'",
      'framework/runtime/b.ts': "import type { routes } from '../../generated/routes.ts'",
      'framework/runtime/c.ts': "await import('../../handlers/order.ts')",
    },
    good: {
      'framework/d.ts': "import { x } from './cli/x.ts'",
      'cli/e.ts': "import { y } from '../framework/index.ts'",
    },
  },
  pure: {
    bad: {
      'framework/control-plane/a.ts': 'const t = Date.now()',
      'framework/control-plane/b.ts': 'const t = new Date()',
      'framework/control-plane/c.ts': 'const t = performance.now()',
      'framework/control-plane/d.ts': 'setTimeout(() => {}, 1)',
      'framework/control-plane/e.ts': 'setInterval(() => {}, 1)',
      'framework/model/f.ts': 'const r = Math.random()',
      'framework/model/g.ts': 'const e = process.env.HOME',
      'framework/model/h.ts': "console.log('x')",
    },
    good: {
      'framework/control-plane/i.ts':
        "const t = clock.now() // not Date.now()\nconst s = 'Math.random'\nconst d = new Date(0)",
      'framework/runtime/j.ts': 'const t = Date.now()',
    },
  },
  synchronous: {
    bad: {
      'framework/control-plane/work-manager.ts': 'export async function f() {}',
      'framework/control-plane/partition/retry-queue.ts': 'function f(): Promise<void> {}',
      'framework/control-plane/deep/offset-tracker-ring.ts': 'await x',
      'framework/control-plane/of-tomorrow.ts': 'export async function f() {}',
      'framework/control-plane/drain.ts': 'await x',
    },
    good: {
      'framework/control-plane/shell/broker-poller.ts': 'async function f() { await x }',
      'framework/control-plane/partition/shard-queue.ts':
        '/** Never async: no Promise, no await. */\nconst asyncness = 1',
    },
  },
  cycles: {
    bad: {
      'framework/a.ts': "import type { B } from './b.ts'",
      'framework/b.ts': "import { c } from './deep/c.ts'",
      'framework/deep/c.ts': "export type { A } from '../a.ts'",
      'cli/self.ts': "import './self.ts'",
    },
    good: {
      'framework/d.ts': "import { e } from './e.ts'\nimport { f } from './f.ts'",
      'framework/e.ts': "import { f } from './f.ts'",
    },
  },
  floors: {
    bad: {
      'framework/model/a.ts': "import type { Clock } from '../time/clock.ts'",
      'framework/control-plane/partition/b.ts': "import { c } from '../work-manager.ts'",
      'framework/nowhere/c.ts': 'export const c = 1',
      'cli/terminal/d.ts': "const { x } = await import('../verbs/x.ts')",
      'cli/e.ts': 'export const e = 1',
    },
    good: {
      'framework/control-plane/work-manager.ts': "import { b } from './partition/f.ts'",
      'framework/control-plane/partition/f.ts': "import type { R } from '../../model/record.ts'\nimport './g.ts'",
      'cli/verbs/x.ts': "import { io } from '../terminal/io.ts'",
      'test/h.ts': "import { x } from '../cli/verbs/x.ts'",
    },
  },
  classes: {
    bad: {
      'framework/runtime/a.ts': `class A {\n${'0123456789a'.replace(/./g, '  readonly #f$& = 1\n')}}`,
      'cli/dev/b.ts': `export class ${Object.keys(largeClasses)[0]} {\n  #one = 1\n}`,
    },
    good: {
      'framework/runtime/c.ts': `class C {\n${'0123456789'.replace(/./g, '  #f$&: number\n')}  #g(): void {}\n  get #h() { return 1 }\n}\nclass D {\n  #i = 1\n}`,
    },
  },
  words: {
    bad: {
      'framework/control-plane/a.ts': 'if (!this.#table.fence(state)) return',
      'framework/runtime/b.ts': 'const { lifecycle } = options',
      'cli/start/c.ts': 'let settings: LifecycleSettings',
      'framework/control-plane/partition/d.ts': 'state.shards.hold(key)',
      'framework/control-plane/e.ts': 'return scheduler.holdOf(topic)',
      'framework/control-plane/failures/f.ts': 'interface Held {}',
    },
    good: {
      'framework/kafka/javascript/g.ts': 'this.fence(member)',
      'framework/control-plane/shell/h.ts': 'this.#hold(now)',
      'framework/control-plane/i.ts': 'return manager.heldBecause // fence, hold',
    },
  },
  places: {
    bad: {
      'framework/runtime/a.ts': 'const a = `${topic}:${partition}`',
      'framework/runtime/b.ts': 'const b = `${of.topic}[${of.partition}]`',
      'cli/dlq/c.ts': 'const c = `${record.partition}/${record.offset}`',
      'cli/send/d.ts': 'const d = `${partitionPlace(of)}@${offset}`',
    },
    good: {
      'framework/model/record.ts': 'const a = `${topic}:${partition}`',
      'cli/dlq/f.ts': 'const f = `partition ${partition} of ${topic}, at offset ${offset}`',
      'framework/dead-letters/selection.ts': 'const c = `${partition}/${offset}`',
    },
  },
  logFields: {
    bad: {
      'framework/runtime/a.ts': "log.warn({ handlerId: id, offset }, 'x')",
      'framework/runtime/b.ts': 'const facts = { topic, error: message(of, { a: 1 }) }',
      'cli/start/c.ts': "this.#log.info({ err, signals }, 'x')",
    },
    good: {
      'framework/runtime/d.ts': "log.warn({ handler: id, err: new E({ any: 1 }), ...more }, 'x')",
      'cli/dev/e.ts': "log.info({ anything }, 'x')",
    },
  },
  exportAll: {
    bad: {
      'framework/a.ts': "export * from './b.ts'",
      'framework/c.ts': "export type * from './b.ts'",
      'cli/d.ts': "export * as b from './b.ts'",
    },
    good: { 'framework/e.ts': "export { b } from './b.ts' // not export *" },
  },
  assert: {
    bad: {
      'framework/a.ts': 'assert(x !== undefined)',
      'cli/b.ts': 'assert.equal(x, 1)',
      'framework/c.ts': 'console.assert(x)',
    },
    good: { 'framework/d.ts': 'function f(x: unknown): asserts x {}\nschema.assert(x)\nconst assertion = 1' },
  },
  nonNull: {
    bad: {
      'framework/a.ts': 'const x = map.get(1)!',
      'framework/b.ts': 'const x = list[0]!.y',
      'cli/c.ts': 'class C { x!: number }',
    },
    good: { 'framework/d.ts': "if (!x && a !== b && c != d) f(!y)\nconst s = 'oh!' // no!\nconst r = /a!/" },
  },
  log: {
    bad: {
      'framework/a.ts': 'log.info({ id }, `done with ${id}`)',
      'framework/b.ts': "this.#log.warn({ id }, 'done with ' + id)",
      'cli/c.ts': 'context.log.error(`failed: ${error}`)',
      'handlers/d.ts': 'logger.debug(\n  { a: f(1, 2) },\n  `x ${y}`,\n)',
    },
    good: {
      'framework/e.ts':
        "log.info({ partition: `${topic}:${partition}` }, 'assigned')\nMath.log(1 + 2)\ndialog.info(`a ${b}`)",
    },
  },
}

describe('the rule', () => {
  for (const [name, { bad, good }] of Object.entries(samples)) {
    const rule = rules[name as RuleName]
    it(`${rule.text}: fires on every breach, with its file and line, and on nothing else`, () => {
      const found = rule.check(sourceTree({ ...bad, ...good }))
      const broken = [...new Set(found.map(({ path }) => path))].sort()
      const whole = name === 'cycles' || name === 'start'
      if (whole) assert.ok(broken.length >= 2 && broken.every((path) => path in bad), String(broken))
      else assert.deepEqual(broken, Object.keys(bad).sort())
      for (const { line } of found) assert.ok(line >= 1)
      assert.deepEqual(rule.check(sourceTree(good)), [])
    })
  }

  it('names the line of a breach, not of the comment above it', () => {
    const text = '/** Not `Date.now()`. */\n\nconst text = `\n${Date.now()}`\n'
    assert.deepEqual(
      rules.pure.check(sourceTree({ 'framework/model/a.ts': text })).map(({ line }) => line),
      [4],
    )
  })
})

describe('the scanner', () => {
  it('blanks comments, strings, templates and regular expressions, and keeps code, length and lines', () => {
    const cases: readonly (readonly [string, string])[] = [
      ["a('it''s') // b", "a('  '' ')     "],
      ['x = `a${b + `c${d}`}e` + f', 'x = ` ${b + ` ${d}`} ` + f'],
      ['x = `${ { a: { b: 1 } } }`;y', 'x = `${ { a: { b: 1 } } }`;y'],
      ['a = b / c / d', 'a = b / c / d'],
      ['a = /[\'"/]b/g.test(c)', 'a = /      /g.test(c)'],
      ["return /'/.x", 'return / /.x'],
      ["<b>a</b> + 'c'", "<b>a</b> + ' '"],
      ["'\\'' + b", "'  ' + b"],
      ['/* a\nb */ c', '    \n     c'],
    ]
    for (const [text, expected] of cases) {
      const code = blankLiterals(text)
      assert.equal(code, expected)
      assert.equal(code.length, text.length)
    }
  })

  it('tells erased, static and dynamic imports apart', () => {
    const text = [
      "import a, { type B } from './a.ts'",
      "import type { C } from './c.ts'",
      "import type D from './d.ts'",
      "import type from './named-type.ts'",
      "import './e.ts'",
      "export { f } from './f.ts'",
      "export type { G } from './g.ts'",
      "const h = await import('./h.ts')",
      "// import './comment.ts'",
      'const s = "import \'./string.ts\'"',
      'import {\n  i,\n  j,\n} from "./i.ts"',
    ].join('\n')
    assert.deepEqual(
      scanSource('x.ts', text).references.map(({ specifier, kind, line }) => `${line} ${kind} ${specifier}`),
      [
        '1 static ./a.ts',
        '2 type ./c.ts',
        '3 type ./d.ts',
        '4 static ./named-type.ts',
        '5 static ./e.ts',
        '6 static ./f.ts',
        '7 type ./g.ts',
        '8 dynamic ./h.ts',
        '14 static ./i.ts',
      ],
    )
  })
})
