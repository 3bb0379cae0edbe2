/** Writes the text of generated files. Pure and deterministic: sorted, LF, no dates, no absolute paths. */
import type { ScannedHandler } from './scan-result.ts'

/** Counts changes of what is generated, not releases: a release that changes nothing here makes no file stale. */
const FORMAT = 1

export interface GeneratedFile {
  /** Relative to the project. */
  readonly path: string
  readonly content: string
}

/** Every file of `generated/`. `handlers` must be sorted by id. */
export function renderFiles(handlers: readonly ScannedHandler[], defaultGroup: string): readonly GeneratedFile[] {
  return [
    { path: 'generated/manifest.json', content: manifest(handlers, defaultGroup) },
    { path: 'generated/routes.ts', content: routes(handlers) },
  ]
}

function manifest(handlers: readonly ScannedHandler[], defaultGroup: string): string {
  const topics = [...new Set(handlers.map(({ topic }) => topic))].sort()
  const document = {
    generator: `pyrallel generate, format ${FORMAT}`,
    group: defaultGroup,
    handlers: handlers.map(({ id, file, topic, group, ordering }) => ({ id, file, topic, group, ordering })),
    topics: topics.map((name) => ({
      name,
      handlers: handlers.filter(({ topic }) => topic === name).map(({ id }) => id),
    })),
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

function routes(handlers: readonly ScannedHandler[]): string {
  const names = importNames(handlers)
  const named = handlers.map((handler, index) => ({ ...handler, name: names[index] ?? `handler${index}` }))
  const imports = named.map(({ name, file }) => ({ name, from: quoted(`../${file}`) }))
  const lines = [
    `// Made by \`pyrallel generate\` (format ${FORMAT}). Do not edit: change handlers/ and generate again.`,
    "import type { RegisteredHandler } from 'pyrallel'",
    ...imports.sort((a, b) => (a.from < b.from ? -1 : 1)).map(({ name, from }) => `import ${name} from ${from}`),
    '',
    'export const routes: readonly RegisteredHandler[] = [',
    ...named.flatMap(({ id, file, topic, group, name }) => [
      '  {',
      `    id: ${quoted(id)},`,
      `    file: ${quoted(file)},`,
      `    topic: ${quoted(topic)},`,
      `    group: ${group === null ? 'null' : quoted(group)},`,
      `    handler: ${name},`,
      '  },',
    ]),
    ']',
    '',
  ]
  return lines.join('\n')
}

/** `billing/charge-order` becomes `billingChargeOrder`; a name that is taken gets a number. */
function importNames(handlers: readonly ScannedHandler[]): readonly string[] {
  // The names that the file itself uses.
  const taken = new Set(['routes', 'RegisteredHandler'])
  return handlers.map(({ file }) => {
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
    return name
  })
}

function quoted(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `'${escaped}'`
}
