/** `pyrallel schemas`: writes what a registry says of values as types, compares the two, and registers what the project's own types say. */
import { Closers } from '../../framework/model/closers.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import { harmless } from '../../framework/model/plain-text.ts'
import { plural } from '../../framework/model/plural.ts'
import { connectRegistry } from '../../framework/registry/registry-client.ts'
import type { SchemaRegistry } from '../../framework/registry/schema-registry.ts'
import { systemClock } from '../../framework/time/clock.ts'
import { registryFolder } from '../folders/registry-folder.ts'
import { declaredTopics } from '../project/declared-topics.ts'
import { readEnvironment } from '../project/environment.ts'
import { loadProject } from '../project/project.ts'
import { type CheckedSchema, checkPulled } from '../schemas/check-pulled.ts'
import { type PlannedFile, planPull, pulledSubjects, writePulled } from '../schemas/pull.ts'
import { type PlannedSchema, planPush } from '../schemas/push.ts'
import { exitCodes } from '../terminal/failure.ts'
import { hasColor, type Io } from '../terminal/io.ts'
import { jsonText } from '../terminal/json-text.ts'
import { painter } from '../terminal/paint.ts'
import { table } from '../terminal/table.ts'

export interface SchemasOptions {
  readonly json?: boolean
}

export interface PullOptions extends SchemasOptions {
  /** Of Protobuf, for one subject: full name of the message that its values are. */
  readonly message?: string
}

/** @param subjects none: those that were pulled before */
export async function pullSchemas(subjects: readonly string[], options: PullOptions, io: Io): Promise<number> {
  return withRegistry(io, async (registry, root) => {
    if (options.message !== undefined && subjects.length !== 1) {
      throw new PyrallelError('PYR_USAGE', '--message is for one subject: name it, and it alone.')
    }
    const wanted = subjects.length > 0 ? [...new Set(subjects)].sort() : pulledSubjects(root)
    if (wanted.length === 0) throw await nothingNamed(registry)
    const files = await planPull(registry, root, wanted, options.message)
    writePulled(root, files)
    const rows = files.map(({ subject, version, id, path, message, unread, isCurrent }) => ({
      subject,
      version,
      id,
      path,
      ...(message !== undefined && { message }),
      ...(unread !== undefined && { unread }),
      action: isCurrent ? 'unchanged' : 'written',
    }))
    if (options.json === true) {
      io.stdout.write(`${jsonText({ registry: registry.url, schemas: rows }, 2)}\n`)
      return exitCodes.fine
    }
    const paint = painter(hasColor(io.stdout, io.env))
    const lines = rows.map(({ version, id, path, message, action }) => {
      const sign = action === 'written' ? paint('green', '✓') : '·'
      const of = message === undefined ? '' : `, message ${message}`
      return [`${sign} ${path}`, `version ${version}, id ${id}${of}`, action]
    })
    io.stdout.write(`${registry.url}\n${table(lines)}${otherMessages(files)}${unreadVersions(files)}`)
    return exitCodes.fine
  })
}

/** What lies in the topics is read with what was pulled now. */
function unreadVersions(files: readonly PlannedFile[]): string {
  const lines = files.map(({ subject, version, path, unread }) => {
    if (unread === undefined) return ''
    const name = harmless(subject)
    const facts = `${name}: what was written with version ${unread.version} cannot be read with version ${version}`
    const reasons = unread.reasons.map((reason) => `  ${name}: ${harmless(reason)}\n`).join('')
    return `${facts}: such records would be dead letters.\n${reasons}Let handlers read them to their end first, with the file as it was: git restore ${path}\n`
  })
  return lines.join('')
}

/** The first message of a file is a guess. */
function otherMessages(files: readonly PlannedFile[]): string {
  const lines = files.map(({ subject, message, otherMessages: others = [] }) => {
    if (others.length === 0) return ''
    const name = others.length === 1 ? others[0] : '<name>'
    const has = `${others.slice(0, MAX_REASONS).join(', ')}${others.length > MAX_REASONS ? ', …' : ''}`
    const next = `pyrallel schemas pull ${harmless(subject)} --message ${name}`
    return `${harmless(subject)} also has ${has}. Where its values are not ${message}: ${next}\n`
  })
  return lines.join('')
}

export interface PushOptions extends SchemasOptions {
  /** Asks, and registers nothing. */
  readonly dryRun?: boolean
}

/** What is asked first is whether the registry would take each. Cut off while it registers, it may be done again: what is there is left as it is. */
export async function pushSchemas(names: readonly string[], options: PushOptions, io: Io): Promise<number> {
  return withRegistry(io, async (registry, root) => {
    const planned = await planPush(registry, await declaredTopics(root), names)
    const isRefused = planned.some(({ state }) => state === 'incompatible')
    const isRegistering = options.dryRun !== true && !isRefused
    const pushed: PushedSchema[] = []
    for (const { schema, ...each } of planned) {
      const isDue = isRegistering && (each.state === 'new' || each.state === 'next')
      pushed.push({ ...each, id: isDue ? await registry.register(each.subject, schema) : null })
    }
    if (options.json === true) io.stdout.write(`${jsonText({ registry: registry.url, schemas: pushed }, 2)}\n`)
    else io.stdout.write(pushText(registry.url, pushed, { isRefused, isDryRun: options.dryRun === true }, io))
    return isRefused ? exitCodes.drift : exitCodes.fine
  })
}

interface PushedSchema extends Omit<PlannedSchema, 'schema'> {
  /** `null` where nothing was registered. */
  readonly id: number | null
}

function pushText(
  url: string,
  pushed: readonly PushedSchema[],
  { isRefused, isDryRun }: { readonly isRefused: boolean; readonly isDryRun: boolean },
  io: Io,
): string {
  if (pushed.length === 0) {
    return "No topic has a type of this project's own: give one to its topic, topic<Order>('orders'), and run pyrallel generate\n"
  }
  const paint = painter(hasColor(io.stdout, io.env))
  const rows = pushed.map(({ subject, state, version, id }) => {
    const sign = { current: '·', new: paint('green', '+'), next: paint('green', '+'), incompatible: paint('red', '✗') }[
      state
    ]
    const place = version === null ? (id === null ? '' : `id ${id}`) : `version ${version}`
    return [`${sign} ${harmless(subject)}`, place, id === null ? pushTexts[state] : 'registered']
  })
  const reasons = pushed.flatMap(({ subject, reasons: all }) => {
    return all.slice(0, MAX_REASONS).map((reason) => `  ${harmless(subject)}: ${harmless(reason)}\n`)
  })
  const next = isRefused
    ? 'Nothing was registered. Change the types, or the compatibility that the registry asks of the subject\n'
    : isDryRun && pushed.some(({ state }) => state !== 'current')
      ? 'Nothing was registered: without --dry-run, it is\n'
      : ''
  return `${url}\n${table(rows)}${reasons.join('')}${next}`
}

const MAX_REASONS = 5

const pushTexts = {
  current: 'registered already',
  new: 'a new subject',
  next: 'a new version, compatible',
  incompatible: 'not compatible with the latest version',
} as const

/** What is 3 in a pipeline is what breaks a handler: a compatible version may be pulled whenever one likes. */
export async function checkSchemas(options: SchemasOptions, io: Io): Promise<number> {
  return withRegistry(io, async (registry, root) => {
    const subjects = pulledSubjects(root)
    const checked = await checkPulled(registry, root, subjects)
    const isFine = checked.every(({ state }) => state === 'current' || state === 'compatible')
    if (options.json === true) io.stdout.write(`${jsonText({ registry: registry.url, schemas: checked }, 2)}\n`)
    else io.stdout.write(checkText(registry.url, checked, io))
    return isFine ? exitCodes.fine : exitCodes.drift
  })
}

function checkText(url: string, checked: readonly CheckedSchema[], io: Io): string {
  if (checked.length === 0) return `Nothing was pulled into ${registryFolder} yet: pyrallel schemas pull <subject>\n`
  const paint = painter(hasColor(io.stdout, io.env))
  const signs = {
    current: paint('green', '✓'),
    compatible: paint('yellow', '!'),
    incompatible: paint('red', '✗'),
    changed: paint('red', '✗'),
    gone: paint('red', '✗'),
  }
  const rows = checked.map(({ subject, version, latest, state }) => {
    const now = latest === null || latest === version ? '' : `, registry has ${latest}`
    return [`${signs[state]} ${harmless(subject)}`, `version ${version}${now}`, stateTexts[state]]
  })
  const reasons = checked.flatMap(({ subject, reasons }) => {
    return reasons.map((reason) => `  ${harmless(subject)}: ${harmless(reason)}\n`)
  })
  const behind = checked.filter(({ state }) => state !== 'current').length
  const next = behind === 0 ? '' : `${plural(behind, 'schema')} to look at. Pull the latest: pyrallel schemas pull\n`
  return `${url}\n${table(rows)}${reasons.join('')}${next}`
}

const stateTexts = {
  current: 'current',
  compatible: 'moved on; what is written now can be read',
  incompatible: 'moved on; what is written now cannot be read',
  changed: 'the file is not as it was pulled',
  gone: 'the registry does not have it any more',
} as const

async function nothingNamed(registry: SchemaRegistry): Promise<PyrallelError> {
  const subjects = (await registry.subjects()).map(harmless)
  const shown = subjects.slice(0, 20).join(', ')
  const has = subjects.length === 0 ? 'has none' : `has ${shown}${subjects.length > 20 ? ', …' : ''}`
  return new PyrallelError(
    'PYR_USAGE',
    `Nothing was pulled before, so name subjects: pyrallel schemas pull <subject>. The registry ${has}.`,
  )
}

async function withRegistry<T>(io: Io, act: (registry: SchemaRegistry, root: string) => Promise<T>): Promise<T> {
  const root = io.cwd()
  const { config } = await loadProject(root, readEnvironment(root, io.env, 'development'))
  const registry = connectRegistry(config.registry, systemClock(), Math.random)
  return new Closers().around(async (closers) => {
    closers.add('the registry', () => registry.close())
    return act(registry, root)
  })
}
