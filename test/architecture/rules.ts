/** The "Never" list of DESIGN.md, section 2, as checks over the sources. Each rule holds for files that do not exist yet, too. */
import { tooManyFields } from './class-sizes.ts'
import { floorOf, floors } from './floors.ts'
import { unknownFields } from './log-fields.ts'
import { lineAt, type SourceFile } from './source-scan.ts'
import { type Import, importCycles, importsOf, isPackage, loadedBy, type SourceTree } from './source-tree.ts'
import { bannedNames, placesSpelledByHand } from './words.ts'

export interface Violation {
  readonly path: string
  readonly line: number
  readonly why: string
}

export interface Rule {
  /** As the list says it. */
  readonly text: string
  check(tree: SourceTree): readonly Violation[]
}

const model = 'framework/model'
const controlPlane = 'framework/control-plane'
const executionPlane = 'framework/execution-plane'
/** Types only: what the control plane may see of the world. */
const ports = [
  'framework/kafka/kafka-client.ts',
  'framework/kafka/transactional-producer.ts',
  'framework/execution-plane/execution-engine.ts',
  'framework/time/clock.ts',
]
/** Names in an import statement what is used of a library, so that a bundle can leave out the rest. It is loaded as a library is. */
const namesOfJavascript = 'framework/kafka/javascript/library.ts'
/** Each with the only files that may load it. */
const kafkaLibraries: Readonly<Record<string, readonly string[]>> = {
  '@confluentinc/kafka-javascript': [
    'framework/kafka/librdkafka/client.ts',
    'framework/kafka/embedded/embedded-broker.ts',
  ],
  '@platformatic/kafka': [namesOfJavascript],
  [namesOfJavascript]: ['framework/kafka/javascript/client.ts'],
}
/** All else in the control plane is the state machine. */
const asyncShell =
  /^framework\/control-plane\/shell\/(broker-poller|pump|offset-committer|cut-committer|committer|time-limit|coordinator-question|log-ends|dead-letters|drain|revoke|shutdown)\.ts$/
const impure =
  /\b(Date\.now|new\s+Date\s*\(\s*\)|Date\s*\(\s*\)|performance\.|setTimeout|setInterval|setImmediate|Math\.random|randomUUID|randomBytes|process\.|console\.)/
const logCall = /\b(?:log|logger)\s*\??\.\s*(?:trace|debug|info|warn|error|fatal)\s*\(/g

function within(path: string | undefined, directory: string): boolean {
  return path?.startsWith(`${directory}/`) ?? false
}

/** Every import of the files in `directory` for which `isWrong` gives a reason. */
function wrongImports(
  directory: string,
  isWrong: (imported: Import, file: SourceFile) => string | undefined,
): Rule['check'] {
  return (tree) =>
    [...tree.values()]
      .filter(({ path }) => directory === '' || within(path, directory))
      .flatMap((file) =>
        importsOf(file).flatMap((imported) => {
          const why = isWrong(imported, file)
          return why === undefined ? [] : [{ path: file.path, line: imported.line, why }]
        }),
      )
}

/** Every match of `pattern` in the code (not in comments or strings) of the files that `applies` names. */
function forbiddenCode(applies: (path: string) => boolean, pattern: RegExp): Rule['check'] {
  const all = new RegExp(pattern.source, 'g')
  return (tree) =>
    [...tree.values()]
      .filter(({ path }) => applies(path))
      .flatMap(({ path, code }) =>
        [...code.matchAll(all)].map((match) => ({
          path,
          line: lineAt(code, match.index),
          why: `has \`${match[0].trim()}\``,
        })),
      )
}

const imports = ({ specifier }: Import) => `imports ${specifier}`
const inOurCode = (path: string) => within(path, 'framework') || within(path, 'cli') || within(path, 'handlers')

function notFromModel(imported: Import): string | undefined {
  return within(imported.target, model) ? undefined : imports(imported)
}

function notForControlPlane(imported: Import): string | undefined {
  const { kind, target } = imported
  if (within(target, model) || within(target, controlPlane)) return undefined
  if (target === undefined || !ports.includes(target)) return imports(imported)
  return kind === 'type' ? undefined : `${imports(imported)} as a value; a port is for \`import type\``
}

function notBetweenPlanes(imported: Import, file: SourceFile): string | undefined {
  const { target } = imported
  if (within(file.path, executionPlane) && within(target, controlPlane)) return imports(imported)
  const isContract = target !== undefined && ports.includes(target)
  if (within(file.path, controlPlane) && within(target, executionPlane) && !isContract) return imports(imported)
  return undefined
}

function notForKafka(imported: Import, file: SourceFile): string | undefined {
  const isOf = (library: string) => imported.target === library || isPackage(imported.specifier, library)
  const importers = Object.entries(kafkaLibraries).find(([library]) => isOf(library))?.[1]
  if (importers === undefined || imported.kind === 'type') return undefined
  if (!importers.includes(file.path)) return `${imports(imported)}; only ${importers.join(' and ')} may`
  return imported.kind === 'dynamic' || file.path === namesOfJavascript
    ? undefined
    : `${imports(imported)} at load time; \`await import()\` it when needed`
}

function notForTools(imported: Import, file: SourceFile): string | undefined {
  if (isPackage(imported.specifier, 'ts-morph') && !within(file.path, 'cli/codegen')) {
    return `${imports(imported)}; only cli/codegen may`
  }
  const mayBundle = within(file.path, 'cli') && !/^cli\/(verbs\/start|start\/.*)\.ts$/.test(file.path)
  return isPackage(imported.specifier, 'esbuild') && !mayBundle ? imports(imported) : undefined
}

function startIsLight(tree: SourceTree): readonly Violation[] {
  return ['cli/verbs/start.ts', 'framework/index.ts'].flatMap((start) => {
    const loaded = loadedBy(tree, start)
    return ['ts-morph', 'esbuild', 'typescript'].flatMap((tool) => {
      const path = loaded.get(tool)
      return path === undefined ? [] : [{ path, line: 1, why: `loads ${tool}, and is loaded by ${start}` }]
    })
  })
}

function notForFramework(imported: Import): string | undefined {
  const outside = ['cli', 'handlers', 'generated', 'templates', 'test']
  return outside.some((directory) => within(imported.target, directory)) ? imports(imported) : undefined
}

/** Type imports included: who reads a room must not need to know what stands above it. */
function upwardImports(tree: SourceTree): readonly Violation[] {
  const files = [...tree.values()].filter(({ path }) => within(path, 'framework') || within(path, 'cli'))
  return files.flatMap((file) => {
    const floor = floorOf(file.path)
    if (floor === undefined) return [{ path: file.path, line: 1, why: 'stands in no room of floors.ts' }]
    return importsOf(file).flatMap(({ specifier, target, line }) => {
      const to = target === undefined ? undefined : floorOf(target)
      if (to === undefined || to <= floor) return []
      return [
        { path: file.path, line, why: `imports ${specifier}, up from ${floors[floor]?.path} to ${floors[to]?.path}` },
      ]
    })
  })
}

function cycles(tree: SourceTree): readonly Violation[] {
  return importCycles(tree).map((cycle) => {
    const [path = '', next] = cycle
    const file = tree.get(path)
    const line = file === undefined ? 1 : (importsOf(file).find(({ target }) => target === next)?.line ?? 1)
    return { path, line, why: cycle.join(' -> ') }
  })
}

/** Log calls whose message, which is the last argument, is put together at run time. */
function changingMessages(tree: SourceTree): readonly Violation[] {
  return [...tree.values()]
    .filter(({ path }) => inOurCode(path))
    .flatMap(({ path, code }) =>
      [...code.matchAll(logCall)].flatMap((match) => {
        const message = lastArgument(code, match.index + match[0].length)
        const isBuilt =
          /^`[^`]*\$\{/.test(message) || /(['"`]\s*\+|\+\s*['"`])/.test(message) || /^String\(|\.concat\(/.test(message)
        return isBuilt ? [{ path, line: lineAt(code, match.index), why: 'logs a message that is put together' }] : []
      }),
    )
}

/** The last argument of the call whose `(` stands before `from`, without a trailing comma. */
function lastArgument(code: string, from: number): string {
  let depth = 0
  let start = from
  for (let at = from; at < code.length; at++) {
    const char = code.charAt(at)
    if (depth === 0 && char === ')') return code.slice(start, at).trim()
    if (depth === 0 && char === ',' && !/^,\s*\)/.test(code.slice(at, at + 80))) start = at + 1
    if ('([{'.includes(char)) depth++
    if (')]}'.includes(char)) depth--
  }
  return ''
}

export const rules = {
  model: { text: '1. model imports nothing', check: wrongImports(model, notFromModel) },
  controlPlane: {
    text: '1. control-plane imports model and the port types only; never an engine, never a client library',
    check: wrongImports(controlPlane, notForControlPlane),
  },
  planes: {
    text: '2. execution-plane never imports control-plane, and the reverse',
    check: wrongImports('framework', notBetweenPlanes),
  },
  kafka: {
    text: '3. only librdkafka/client.ts, embedded/embedded-broker.ts and javascript/client.ts import a Kafka library, lazily',
    check: wrongImports('', notForKafka),
  },
  tools: {
    text: '4. only cli/codegen imports ts-morph, only cli imports esbuild',
    check: wrongImports('', notForTools),
  },
  start: { text: '4. `pyrallel start` never loads ts-morph, nor esbuild', check: startIsLight },
  framework: {
    text: '5. framework never imports cli, handlers or generated',
    check: wrongImports('framework', notForFramework),
  },
  pure: {
    text: '6. control-plane and model take time, randomness, environment and output from outside',
    check: forbiddenCode((path) => within(path, controlPlane) || within(path, model), impure),
  },
  synchronous: {
    text: '7. control-plane is synchronous outside its async shell (broker-poller, pump, offset-committer, cut-committer, committer, time-limit, coordinator-question, log-ends, dead-letters, drain, revoke, shutdown)',
    check: forbiddenCode((path) => within(path, controlPlane) && !asyncShell.test(path), /\b(async|await|Promise)\b/),
  },
  cycles: { text: '8. no import cycles, type imports included', check: cycles },
  floors: { text: '8. imports run down the list of rooms, never up', check: upwardImports },
  classes: { text: '10. no class has more than ten private fields', check: (tree) => tooManyFields(tree) },
  words: { text: '11. no word for an idea that has another one', check: bannedNames },
  places: { text: '12. no place of a partition or record that is spelled by hand', check: placesSpelledByHand },
  logFields: { text: '9. log lines have the fields of one list', check: unknownFields },
  exportAll: { text: '8. no `export *`', check: forbiddenCode(inOurCode, /\bexport\s+(type\s+)?\*/) },
  assert: {
    text: '8. no `assert` outside tests: an explicit error instead',
    check: forbiddenCode(inOurCode, /(?<!\.)\bassert\s*(\.\s*\w+\s*)?\(|\bconsole\.assert\b/),
  },
  nonNull: {
    text: '8. no `!` outside tests: an explicit error instead',
    check: forbiddenCode(inOurCode, /(?<=[\w$)\]])!(?!=)/),
  },
  log: {
    text: '9. log calls take a constant message and fields, never an interpolated string',
    check: changingMessages,
  },
} as const satisfies Record<string, Rule>

export type RuleName = keyof typeof rules
