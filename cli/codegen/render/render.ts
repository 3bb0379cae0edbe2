/** Writes the text of generated files. Pure and deterministic: sorted, LF, no dates, no absolute paths. */

import { byHandler } from '../../../framework/model/by-handler.ts'
import { isPatternText } from '../../../framework/model/topic-pattern.ts'
import type { ScannedHandler, ScanResult } from '../scan/scan-result.ts'
import type { PayloadOf } from './payloads.ts'
import { renderAsyncApi } from './render-asyncapi.ts'
import { renderFormats } from './render-formats.ts'
import { renderSchemas } from './render-schemas.ts'
import { quoted } from './source-text.ts'

/** Counts changes of what is generated, not releases: a release that changes nothing here makes no file stale. */
const FORMAT = 2
/** Where thread entries stand: what is in there and is not generated any more is removed. */
export const workersFolder = 'generated/workers'

export interface GeneratedFile {
  /** Relative to the project. */
  readonly path: string
  readonly content: string
}

/** The first line of every file that can hold one. */
const HEADER = `// Made by \`pyrallel generate\` (format ${FORMAT}). Do not edit: change handlers/ and generate again.`

/** What may be on the disk as it was while offsets are not accepted: see `offset-changes.ts`. */
export const manifestFile = 'generated/manifest.json'

/** Only where a topic has a format: else it is removed. */
export const formatsFile = 'generated/formats.ts'

/** Every file of `generated/`. */
export function renderFiles(scan: ScanResult, defaultGroup: string, payloadOf: PayloadOf): readonly GeneratedFile[] {
  const { handlers, topics, definitions } = scan
  const constants = topics.flatMap(({ name, schema }) =>
    schema.kind === 'derived' && !isPatternText(name) ? [{ topic: name, schema: schema.name }] : [],
  )
  const formats = renderFormats(HEADER, topics)
  const tables = formats === undefined ? ['topicSchemas'] : ['topicSchemas', 'topicFormats']
  return [
    { path: 'generated/asyncapi.json', content: renderAsyncApi(scan, defaultGroup, payloadOf) },
    ...(formats === undefined ? [] : [{ path: formatsFile, content: formats }]),
    { path: manifestFile, content: manifest(scan, defaultGroup, payloadOf) },
    { path: 'generated/routes.ts', content: routes(scan, tables) },
    { path: 'generated/schemas.ts', content: renderSchemas(HEADER, definitions, constants) },
    ...[
      ...byHandler(
        handlers.filter(({ engine }) => engine === 'worker'),
        ({ id }) => id,
      ).values(),
    ].map((entries) => workerEntry(entries, tables)),
  ]
}

function manifest({ handlers, topics }: ScanResult, defaultGroup: string, payloadOf: PayloadOf): string {
  const document = {
    generator: `pyrallel generate, format ${FORMAT}`,
    group: defaultGroup,
    handlers: handlers.map(({ id, file, topic, group, ordering, engine, schema, publishes }) => ({
      id,
      file,
      topic,
      group,
      ordering,
      engine,
      schema: payloadOf(schema).hash,
      publishes,
    })),
    topics: topics.map(({ name, schema, keySchema }) => ({
      name,
      schema: payloadOf(schema).hash,
      ...(keySchema === undefined ? {} : { keySchema: keySchema.fingerprint }),
      handlers: handlers.filter(({ topic }) => topic === name).map(({ id }) => id),
      publishedBy: [...new Set(handlers.filter(({ publishes }) => publishes.includes(name)).map(({ id }) => id))],
    })),
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

/** @param tables what is known by topic, by the names of its constants */
function routes({ handlers, definitions }: ScanResult, tables: readonly string[]): string {
  const files = [...new Set(handlers.map(({ file }) => file))]
  const names = importNames(
    files,
    definitions.map(({ name }) => name),
  )
  const named = handlers.map((handler) => ({ ...handler, name: names.get(handler.file) ?? 'handler' }))
  const imports = [...names].map(([file, name]) => ({ name, from: quoted(`../${file}`) }))
  const lines = [
    HEADER,
    "import type { RegisteredHandler } from 'pyrallel'",
    ...imports.sort((a, b) => (a.from < b.from ? -1 : 1)).map(({ name, from }) => `import ${name} from ${from}`),
    ...(handlers.length === 0
      ? []
      : [
          ...(tables.includes('topicFormats') ? ["import { topicFormats } from './formats.ts'"] : []),
          `import { ${[...new Set(handlers.flatMap(constantOf)), 'topicSchemas'].sort().join(', ')} } from './schemas.ts'`,
        ]),
    '',
    'export const routes: readonly RegisteredHandler[] = [',
    ...named.flatMap(({ id, file, topic, group, engine, schema, publishes, name }) => [
      '  {',
      `    id: ${quoted(id)},`,
      `    file: ${quoted(file)},`,
      `    topic: ${quoted(topic)},`,
      `    group: ${group === null ? 'null' : quoted(group)},`,
      ...(engine === 'worker'
        ? [`    entry: new URL(${quoted(`./workers/${entryUrl(id)}`)}, import.meta.url).href,`]
        : []),
      ...constantOf({ schema }).map((constant) => `    schema: ${constant},`),
      `    publishes: [${publishes.map(quoted).join(', ')}],`,
      ...tables.map((table) => `    ${table},`),
      `    handler: ${name},`,
      '  },',
    ]),
    ']',
    '',
  ]
  return lines.join('\n')
}

/** What each thread of a worker handler loads: the handler's module and nothing else of the app. */
function workerEntry(
  entries: readonly [ScannedHandler, ...ScannedHandler[]],
  tables: readonly string[],
): GeneratedFile {
  const [{ id, file }] = entries
  const path = `${workersFolder}/${entryFile(id)}`
  const up = '../'.repeat(path.split('/').length - 1)
  const constants = new Set(entries.flatMap(constantOf))
  const names = [...[...constants].sort(), 'topicSchemas'].join(', ')
  const lines = [
    HEADER,
    "import { runThread } from 'pyrallel/worker'",
    `import * as handlerModule from ${quoted(`${up}${file}`)}`,
    ...(tables.includes('topicFormats')
      ? [`import { topicFormats } from ${quoted(`${up.slice('../'.length)}formats.ts`)}`]
      : []),
    `import { ${names} } from ${quoted(`${up.slice('../'.length)}schemas.ts`)}`,
    '',
    `runThread(handlerModule, { ${threadSchemas(entries)}${tables.join(', ')} })`,
    '',
  ]
  return { path, content: lines.join('\n') }
}

function threadSchemas(entries: readonly ScannedHandler[]): string {
  const constants = entries.flatMap((entry) => constantOf(entry).map((constant) => ({ topic: entry.topic, constant })))
  if (entries.length === 1) return constants.map(({ constant }) => `schema: ${constant}, `).join('')
  return `schemas: { ${constants.map(({ topic, constant }) => `${quoted(topic)}: ${constant}`).join(', ')} }, `
}

/** An id may hold what a file's name may not, and dots that would lead out of the folder. */
function entryFile(id: string): string {
  const segments = id
    .split('/')
    .map((segment) => encodeURIComponent(segment).replace(/^\.+$/, (dots) => '%2E'.repeat(dots.length)))
  return `${segments.join('/')}.ts`
}

function entryUrl(id: string): string {
  return entryFile(id).split('/').map(encodeURIComponent).join('/')
}

/** The constant that holds a derived schema; none where the user wrote the schema. */
function constantOf({ schema }: Pick<ScannedHandler, 'schema'>): readonly string[] {
  return schema.kind === 'derived' ? [schema.name] : []
}

/** By file. `billing/charge-order` becomes `billingChargeOrder`; a name that is taken gets a number. */
function importNames(files: readonly string[], constants: readonly string[]): ReadonlyMap<string, string> {
  // The names that the file itself uses.
  const taken = new Set(['routes', 'RegisteredHandler', 'topicSchemas', 'topicFormats', ...constants])
  const names = files.map((file) => {
    const words = file
      .replace(/^handlers\//, '')
      .replace(/\.ts$/, '')
      .split(/[^a-zA-Z0-9]+/)
      .filter((word) => word !== '')
    const [first = 'handler', ...rest] = words
    const camel = [first, ...rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1))].join('')
    // `Handler` behind it keeps it apart from reserved words (`delete.ts`) and from digits in front.
    const base = `${/^[a-z]/i.test(camel) ? camel : `_${camel}`}Handler`
    let name = base
    for (let number = 2; taken.has(name); number++) name = `${base}${number}`
    taken.add(name)
    return [file, name] as const
  })
  return new Map(names)
}
