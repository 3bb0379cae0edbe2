/** The one door to the compiler: reads a project with ts-morph and gives plain data. Runs no code of the project. */
import type { CallExpression, Node, SourceFile, ts } from 'ts-morph'
import { isProtobufLoaded } from '../../../framework/formats/protobuf/protobuf-library.ts'
import type { ErrorCode } from '../../../framework/model/errors.ts'
import { pullOf } from '../../folders/registry-folder.ts'
import { patternWarning } from '../schema/doc-tags.ts'
import { nameSchemas } from '../schema/name-schemas.ts'
import { patternsOf } from '../schema/schema-expression.ts'
import type { RefuseType } from '../types/comments.ts'
import { SchemaDeriver } from '../types/derive-schema.ts'
import { StaticTypes } from '../types/static-types.ts'
import { WrittenTypes } from '../types/written-type.ts'
import { checkNames } from './check-names.ts'
import { duplicates } from './duplicates.ts'
import { type HandlerFiles, handlerFiles } from './handler-files.ts'
import { importCycles } from './import-cycles.ts'
import { mayMakePublisher, outsidePublishes } from './outside-publishes.ts'
import { passedOverFormats } from './passed-over-formats.ts'
import { type OpenFiles, ProjectFiles, type Wanted } from './project-files.ts'
import { publishedTopics } from './publish-calls.ts'
import { compareText, type Report, Reporter } from './reporter.ts'
import { type FoundHandler, scanHandler } from './scan-handlers.ts'
import type { ScannedHandler, ScanResult, ValueSchema } from './scan-result.ts'
import { scanTopics } from './scan-topics.ts'
import { type RefuseName, TypeReach } from './type-reach.ts'
import {
  areBytes,
  type DeclaredTopic,
  declaredTopic,
  isOnlyName,
  type RawSchema,
  ValueSchemas,
} from './value-schemas.ts'

export class ProjectScanner {
  readonly #root: string
  readonly #files: ProjectFiles
  /** Still true, as long as nothing has changed that the scan has read. */
  #last: { readonly asked: string; readonly result: ScanResult } | undefined

  /** @param root the project's folder, absolute */
  constructor(root: string) {
    this.#root = root
    this.#files = new ProjectFiles(root)
  }

  /**
   * Every mistake that is found is reported, not the first one only.
   * @param defaultGroup the group of handlers that name none
   * @returns the same object as before when nothing has changed that counts
   */
  scan(defaultGroup: string): ScanResult {
    const found = handlerFiles(this.#root)
    // Schemas of Protobuf are read once their library is loaded.
    const asked = JSON.stringify([defaultGroup, found, isProtobufLoaded()])
    if (this.#last?.asked === asked) return this.#last.result
    const result = this.#scan(found, defaultGroup)
    // Mistakes are told with their places, which move with every line.
    this.#last = result.diagnostics.length === 0 ? { asked, result } : undefined
    return result
  }

  #scan(found: HandlerFiles, defaultGroup: string): ScanResult {
    const files = this.#files.open(found.files)
    // What a type comes from is opened when it is met; that may lead to more.
    for (;;) {
      const scan = new Scan(this.#root, this.#files, files, found)
      const result = scan.run(defaultGroup)
      if (!this.#files.openForTypes(scan.wanted)) return result
    }
  }

  /** Files that were read, or looked for, other than those below handlers/ that are found in any case; absolute. */
  watched(): readonly string[] {
    return this.#files.watched()
  }

  /** Takes note of files that changed, came or went; absolute paths. */
  refresh(changed: readonly string[]): void {
    const before = changed.map((path) => this.#files.outline(path))
    this.#files.refresh(changed)
    const isSame = changed.every((path, index) => {
      const outline = this.#files.outline(path)
      return outline !== undefined && outline === before[index]
    })
    if (!isSame) this.#last = undefined
  }
}

class Scan {
  readonly #files: OpenFiles
  readonly #paths: readonly string[]
  readonly #project: ProjectFiles
  readonly #reporter: Reporter
  readonly #warnings: { readonly always: Reporter; readonly outside: Reporter }
  readonly #checker: ts.TypeChecker
  readonly #deriver: SchemaDeriver
  readonly #values: ValueSchemas
  readonly #byPath: ReadonlyMap<string, SourceFile>
  readonly #reach: TypeReach

  constructor(root: string, project: ProjectFiles, files: OpenFiles, found: HandlerFiles) {
    this.#files = files
    this.#paths = found.files
    this.#project = project
    this.#reporter = new Reporter(root)
    this.#warnings = { always: new Reporter(root), outside: new Reporter(root) }
    for (const { path, message, fix } of found.refused) this.#reporter.path(path, 'PYR_HANDLER_EXPORT', message, fix)
    for (const { source, message, fix, ...span } of project.tsconfigFaults) {
      this.#warnings.always.span(source, span, 'PYR_TSCONFIG', message, fix)
    }
    this.#checker = project.program.getTypeChecker()
    const isLibrary = (file: ts.SourceFile) => project.isLibrary(file)
    const statics = new StaticTypes(this.#checker, (node) => project.nodeOf(node))
    const world = {
      checker: this.#checker,
      statics,
      written: new WrittenTypes(this.#checker, isLibrary, statics),
      isLibrary,
      isOwn: (file: ts.SourceFile) => project.isOwn(file),
      pathOf: (file: ts.SourceFile) => project.pathOf(file),
    }
    const refuse: RefuseType = (place, { message, fix }) => {
      this.#reporter.span(place.file, place, 'PYR_TYPE', message, fix)
    }
    this.#deriver = new SchemaDeriver(world, refuse, (place, { message, fix }) => {
      this.#warnings.always.span(place.file, place, 'PYR_PATTERN', message, fix)
    })
    this.#reach = new TypeReach(this.#checker, project, this.#refuseAs('PYR_TYPE'))
    const report: Report = (...told) => this.#report(...told)
    const warn: Report = (...told) => this.#warnings.always.node(...told)
    const handlers = new Set(files.handlers)
    this.#values = new ValueSchemas(
      this.#deriver,
      this.#reach,
      this.#refuseAs('PYR_TYPE'),
      { report, warn },
      (source) => (handlers.has(source) ? undefined : project.relative(source.getFilePath())),
    )
    this.#byPath = new Map(files.own.map((each) => [each.getFilePath() as string, each]))
  }

  /** What must be open before all types can be derived. */
  get wanted(): Wanted {
    return this.#reach.wanted
  }

  run(defaultGroup: string): ScanResult {
    const readable = this.#files.own.filter((source) => !this.#hasSyntaxError(source))
    const found = this.#files.handlers.flatMap((source, index) => {
      const path = this.#paths[index]
      return path === undefined || !readable.includes(source)
        ? []
        : scanHandler(source, path, (...told) => this.#report(...told))
    })
    for (const { node, message, fix } of checkNames(found)) this.#report(node, 'PYR_HANDLER_OPTION', message, fix)
    for (const { node, message, fix } of duplicates(found, defaultGroup)) {
      this.#report(node, 'PYR_HANDLER_DUPLICATE', message, fix)
    }
    const declared = readable.flatMap((source) =>
      this.#project.callsIn(source).flatMap((call) => declaredTopic(call) ?? []),
    )
    this.#refuseCycles(readable, declared)
    return this.#result(found, readable, declared)
  }

  #report(...[node, code, message, fix]: Parameters<Report>): void {
    // What cannot be read, because an import leads nowhere, says nothing more.
    const isRead = !unreadable.has(code) || this.#reach.isImported(node.compilerNode, this.#refuseAs(code))
    if (isRead) this.#reporter.node(node, code, message, fix)
  }

  #refuseAs(code: ErrorCode): RefuseName {
    return (place, { message, fix }) => this.#reporter.span(place.file, place, code, message, fix)
  }

  #result(
    found: readonly FoundHandler[],
    readable: readonly SourceFile[],
    declared: readonly DeclaredTopic[],
  ): ScanResult {
    const handlers = found.map((each) => ({ ...each, raw: this.#rawOf(each) }))
    const topics = declared.map((topic) => ({
      ...topic,
      raw: this.#values.ofTopic(topic),
      keySchema: this.#values.ofKeys(topic),
      areBytes: areBytes(topic),
      at: `${this.#project.relative(topic.call.getSourceFile().getFilePath())}:${topic.call.getStartLineNumber()}`,
    }))
    const { definitions, nameOf } = nameSchemas(this.#deriver.definitions)
    const named = (raw: RawSchema): ValueSchema =>
      raw.kind === 'derived' ? { kind: 'derived', name: nameOf(raw.key) } : raw
    const publishes = new Map(readable.map((source) => [source, publishedTopics(this.#project.callsIn(source))]))
    const scanned: readonly ScannedHandler[] = handlers.map(({ handler, raw, call }) => ({
      ...handler,
      schema: named(raw),
      publishes: sortedSet(this.#closure(call.getSourceFile()).flatMap((source) => publishes.get(source) ?? [])),
    }))
    const places = topics.map(({ call, raw, ...topic }) => ({ ...topic, place: call, schema: named(raw) }))
    const { topics: known, conflicts } = scanTopics(places, scanned)
    const byName = found.filter(({ topicPlace }) => isOnlyName(topicPlace))
    const passedOver = passedOverFormats<Node>(
      byName.map(({ handler, topicPlace }) => ({ topic: handler.topic, place: topicPlace })),
      places,
    )
    for (const { place, message, fix } of [...conflicts, ...passedOver]) {
      this.#reporter.node(place, 'PYR_TOPIC_TYPE', message, fix)
    }
    // A schema is told where it is written, and not at every handler of its topic.
    const explicit = new Map([...handlers, ...topics].map(({ raw, call }) => [raw, call]))
    for (const [raw, call] of explicit) this.#warnOfPatterns(raw, call)
    for (const call of new Set(handlers.map((each) => each.call))) this.#warnOfOutside(call)
    return {
      handlers: [...scanned].sort((a, b) => compareText(a.id, b.id)),
      topics: known,
      definitions,
      diagnostics: this.#reporter.diagnostics,
      warnings: this.#warnings.always.diagnostics,
      outside: this.#warnings.outside.diagnostics,
    }
  }

  #rawOf({ call, handler, listed }: FoundHandler): RawSchema {
    return listed === undefined ? this.#values.ofHandler(call, handler.topic) : this.#values.ofListed(listed)
  }

  #warnOfPatterns(raw: RawSchema, place: Node): void {
    if (raw.kind !== 'explicit' || raw.expression === undefined) return
    for (const pattern of patternsOf(raw.expression)) {
      const warning = patternWarning(pattern)
      if (warning !== undefined) this.#warnings.always.node(place, 'PYR_PATTERN', warning.message, warning.fix)
    }
  }

  #warnOfOutside(handler: CallExpression): void {
    if (!this.#closure(handler.getSourceFile()).some(mayMakePublisher)) return
    for (const call of outsidePublishes(handler)) {
      const name = call.getExpression().getText()
      this.#warnings.outside.node(
        call,
        'PYR_OUTSIDE_TRANSACTION',
        `\`${name}\` is no part of the transaction of commit.exactlyOnce: readers see what it publishes at once, and once more when the record runs again.`,
        'Call `publish` of the context, the second parameter of the handler: `async (record, { publish }) => { ... }`. Leave it as it is where twice is no harm.',
      )
    }
  }

  #hasSyntaxError(source: SourceFile): boolean {
    const [error] = this.#project.program.getSyntacticDiagnostics(source.compilerNode)
    if (error === undefined) return false
    const { messageText, start = 0, length = 1 } = error
    const text = typeof messageText === 'string' ? messageText : messageText.messageText
    const span = { start, end: start + length }
    const pull = pullOf(this.#project.pathOf(source.compilerNode))
    const fix = pull === undefined ? 'Correct the syntax at the mark.' : `Pull the schema again: ${pull}.`
    this.#reporter.span(source.compilerNode, span, 'PYR_SYNTAX', `Syntax error: ${text}`, fix)
    return true
  }

  #refuseCycles(readable: readonly SourceFile[], declared: readonly DeclaredTopic[]): void {
    const sensitive = new Set([...this.#files.handlers, ...declared.map(({ call }) => call.getSourceFile())])
    const isSensitive = (source: SourceFile) => sensitive.has(source) && readable.includes(source)
    for (const { specifier, files } of importCycles(this.#files, isSensitive, this.#checker)) {
      const shown = [...files, files[0] ?? ''].map((path) => this.#project.relative(path)).join(' → ')
      const span = { start: specifier.getStart(), end: specifier.getEnd() }
      this.#reporter.span(
        specifier.getSourceFile(),
        span,
        'PYR_IMPORT_CYCLE',
        `These files import each other: ${shown}. Which of them runs first depends on who is imported first, so a handler or a topic may be used before it is there.`,
        'Move what both need to a file of its own, or import types with `import type`.',
      )
    }
  }

  /** A file and what it imports of the project, directly or not. */
  #closure(source: SourceFile): readonly SourceFile[] {
    const seen = new Set<SourceFile>([source])
    for (const each of seen) {
      for (const { target } of this.#files.importsOf(each)) {
        const imported = this.#byPath.get(target)
        if (imported !== undefined) seen.add(imported)
      }
    }
    return [...seen]
  }
}

/** Refusals of what must be readable without running code. */
const unreadable: ReadonlySet<ErrorCode> = new Set(['PYR_HANDLER_STATIC', 'PYR_HANDLER_EXPORT'])

function sortedSet(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort()
}
