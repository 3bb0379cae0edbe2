/** What is generated for handlers that have a pattern in place of a topic, and what of them is refused. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Parser } from '@asyncapi/parser'
import { generate } from '../../../../cli/codegen/generate.ts'
import { offsetChanges } from '../../../../cli/codegen/offset-changes.ts'
import { projectOnDisk } from './project-on-disk.ts'

const declared = `import { topicsMatching } from 'pyrallel'
export const regional = topicsMatching<{ readonly total: number }>(/^orders\\./)
`

async function made(topic: string, { options = '{}', run = '() => {}', imports = '' } = {}) {
  const book = `import { handler, topicsMatching, type HandlerRecord } from 'pyrallel'
import { regional } from './_topics.ts'
${imports}
export default handler(${topic}, ${options}, ${run})
`
  const project = projectOnDisk({ 'handlers/_topics.ts': declared, 'handlers/book.ts': book })
  const { files, diagnostics } = await generate(project, 'shop')
  const textOf = (path: string) => files.find((file) => file.path === path)?.content ?? ''
  return { textOf, diagnostics: diagnostics.map(({ code, message }) => `${code}: ${message}`) }
}

describe('a pattern of topics', () => {
  it('has one route, with its text in place of a topic and the schema of its type', async () => {
    const { textOf, diagnostics } = await made('regional')
    assert.deepEqual(diagnostics, [])
    const routes = textOf('generated/routes.ts')
    assert.match(routes, /topic: '\/\^orders\\\\\.\/'/)
    assert.match(routes, /schema: Orders,/)
    assert.match(textOf('generated/schemas.ts'), /topicSchemas = \{\}/)
    const manifest = JSON.parse(textOf('generated/manifest.json'))
    assert.deepEqual(
      manifest.handlers.map((each: { readonly topic: string }) => each.topic),
      ['/^orders\\./'],
    )
  })

  it('may be written in place, with a flag, and typed by the handler', async () => {
    const run = '(record: HandlerRecord<{ readonly id: string }>) => {}'
    const { textOf, diagnostics } = await made('topicsMatching(/^orders/i)', { run })
    assert.deepEqual(diagnostics, [])
    assert.match(textOf('generated/routes.ts'), /topic: '\/\^orders\/i'/)
    assert.match(textOf('generated/schemas.ts'), /id: Type\.String/)
  })

  it('has one module for its threads, with the one schema', async () => {
    const worker = (await made('regional', { options: "{ engine: 'worker' }" })).textOf('generated/workers/book.ts')
    assert.match(worker, /runThread\(handlerModule, \{ schema: Orders, topicSchemas \}\)/)
  })

  it("has a channel without an address in asyncapi.json, which AsyncAPI's parser accepts", async () => {
    const text = (await made('regional')).textOf('generated/asyncapi.json')
    const { document, diagnostics } = await new Parser().parse(text)
    assert.deepEqual(
      diagnostics.filter(({ severity }) => severity === 0),
      [],
    )
    const operations = document?.operations().all() ?? []
    assert.deepEqual(
      operations.map((each) => [
        each.id(),
        each.channels().all()[0]?.id(),
        each.channels().all()[0]?.address() ?? null,
      ]),
      [['receive.book', 'matching:book', null]],
    )
  })

  for (const [what, topic, message] of [
    [
      'is computed',
      'topicsMatching(new RegExp(String(1)))',
      'PYR_HANDLER_STATIC: The pattern is computed at run time, but it must be readable without running code.',
    ],
    [
      'has a flag',
      'topicsMatching(/^orders/g)',
      'PYR_HANDLER_OPTION: The pattern /^orders/g has a flag that means nothing here.',
    ],
    [
      'can take very long',
      'topicsMatching(/^(a+)+$/)',
      'PYR_HANDLER_OPTION: The pattern /^(a+)+$/ can take very long on the name of a topic, which anybody may have made: a repetition inside of another one shares its characters, so the time doubles with every few characters.',
    ],
    ['stands in a list', "['payments', regional]", 'PYR_HANDLER_STATIC: A list names topics, and this is a pattern.'],
  ] as const) {
    it(`is refused where it ${what}`, async () => {
      assert.deepEqual((await made(topic)).diagnostics, [message])
    })
  }
})

describe('the offsets of a handler that has a pattern', () => {
  const at = (topic: string) => ({ id: 'book', file: 'handlers/book.ts', topic, group: null, ordering: null }) as const
  const manifestOf = (...topics: readonly string[]) =>
    JSON.stringify({ group: 'shop', handlers: topics.map((topic) => at(topic)) })

  it('stay where a pattern comes that matches all that was named', () => {
    assert.deepEqual(offsetChanges(manifestOf('orders.eu', 'orders.us'), [at('/^orders\\./')], 'shop'), [])
  })

  it('are told where a name takes the place of a pattern', () => {
    const changes = offsetChanges(manifestOf('/^orders\\./'), [at('orders.eu')], 'shop')
    assert.deepEqual(
      changes.map(({ before, after, consequence }) => [before, after, consequence]),
      [
        [
          '/^orders\\./',
          'orders.eu',
          'Records of what /^orders\\./ matches that are not done stay undone. Topics that are read before and after keep their offsets.',
        ],
      ],
    )
  })

  it('are told where a pattern comes that does not match what was named, or another one', () => {
    const consequenceOf = (before: string, after: string) =>
      offsetChanges(manifestOf(before), [at(after)], 'shop').map(({ consequence }) => consequence)
    assert.match(
      consequenceOf('payments', '/^orders\\./')[0] ?? '',
      /^The group 'shop' has no offsets on what \/\^orders\\\.\/ matches: .* Records of 'payments' that are not done stay undone\./,
    )
    assert.match(consequenceOf('/^a/', '/^b/')[0] ?? '', /^The group 'shop' has no offsets on what \/\^b\/ matches/)
  })
})
