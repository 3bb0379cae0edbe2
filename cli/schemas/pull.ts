/** Plans and writes what `pyrallel schemas pull` brings: every file, or none. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nearestName } from '../../framework/config/nearest-name.ts'
import { loadCodec } from '../../framework/formats/value-codec.ts'
import { PyrallelError, toError } from '../../framework/model/errors.ts'
import { harmless } from '../../framework/model/plain-text.ts'
import type { SchemaRegistry, SubjectVersion } from '../../framework/registry/schema-registry.ts'
import { registryFolder } from '../folders/registry-folder.ts'
import { protobufMessage, protobufMessages } from './protobuf-message.ts'
import { pulledFacts, pulledFile, pulledPath } from './pulled-file.ts'
import { ifKnown, MAX_REASONS, whyUnread } from './why-unread.ts'

export interface PlannedFile {
  readonly subject: string
  readonly version: number
  readonly id: number
  /** Relative to the project. */
  readonly path: string
  readonly content: string
  /** It is on the disk so. */
  readonly isCurrent: boolean
  /** Of Protobuf: which message the values are. */
  readonly message?: string
  /** Of Protobuf: others that they might be, where nobody has said which. */
  readonly otherMessages?: readonly string[]
  /** The version that was there, where what was written with it cannot be read with this one. */
  readonly unread?: UnreadVersion
}

export interface UnreadVersion {
  readonly version: number
  /** At most five. */
  readonly reasons: readonly string[]
}

/** The subjects of files that were pulled before, sorted. Other files in their folder are passed over; so are those that were renamed. */
export function pulledSubjects(root: string): readonly string[] {
  const folder = join(root, registryFolder)
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return []
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      if (!entry.isFile() || !entry.name.endsWith('.ts')) return []
      const subject = pulledFacts(readFileSync(join(folder, entry.name), 'utf8'))?.subject
      return subject !== undefined && pulledPath(subject) === `${registryFolder}/${entry.name}` ? [subject] : []
    })
    .sort()
}

/** What is on the disk; `undefined` where there is nothing. A checkout on Windows may have turned the line ends; that is no difference. */
export function pulledText(root: string, subject: string): string | undefined {
  const path = join(root, pulledPath(subject))
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return undefined
  return readFileSync(path, 'utf8').replaceAll('\r\n', '\n')
}

/**
 * The latest version of each subject.
 * @param message of Protobuf, for one subject: which message its values are. Default: that of the file that is there, or else the first of the schema
 * @throws what is wrong with any of them, all at once, as an AggregateError where they are several
 */
export async function planPull(
  registry: SchemaRegistry,
  root: string,
  subjects: readonly string[],
  message?: string,
): Promise<readonly PlannedFile[]> {
  refuseSameFiles(subjects)
  const planned = await Promise.allSettled(
    subjects.map(async (subject) => {
      // A registry may know the subject under another spelling; the file is found by what was asked for.
      const schema = { ...(await latestOf(registry, subject)), subject }
      const { version, id } = schema
      const there = pulledText(root, subject)
      const { wanted, ...chosen } = await chosenMessage(schema, message, there)
      const content = pulledFile(schema, wanted)
      const isCurrent = there === content
      const unread = isCurrent ? undefined : await unreadVersion(registry, schema, there, chosen.message)
      return {
        subject,
        version,
        id,
        path: pulledPath(subject),
        content,
        isCurrent,
        ...chosen,
        ...(unread && { unread }),
      }
    }),
  )
  const faults = planned.flatMap((each) => (each.status === 'rejected' ? [toError(each.reason)] : []))
  // What keeps all from being asked would be told for each.
  const told = [...new Map(faults.map((fault) => [fault.message, fault])).values()]
  if (told.length > 0) throw told.length === 1 ? told[0] : new AggregateError(told)
  return planned.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
}

/** @throws PyrallelError PYR_SCHEMA_UNKNOWN with what was probably meant */
async function latestOf(registry: SchemaRegistry, subject: string): Promise<SubjectVersion> {
  try {
    return await registry.latest(subject)
  } catch (thrown) {
    if (!(thrown instanceof PyrallelError) || thrown.code !== 'PYR_SCHEMA_UNKNOWN') throw thrown
    // Who may not list the subjects is told as much as before.
    const subjects = [...(await registry.subjects().catch(() => []))].sort()
    throw new PyrallelError(thrown.code, `${thrown.message}${meantSubject(subject, subjects)}`, { cause: thrown })
  }
}

/** Whoever thinks of the topic means its values. */
function meantSubject(subject: string, subjects: readonly string[]): string {
  const meant = subjects.find((each) => each === `${subject}-value`) ?? nearestName(subject, subjects)
  if (meant !== undefined) return ` Did you mean "${harmless(meant)}"?`
  if (subjects.length === 0) return ' It has none.'
  const more = subjects.length > MAX_SUBJECTS ? ', …' : ''
  return ` Known: ${subjects.slice(0, MAX_SUBJECTS).map(harmless).join(', ')}${more}.`
}

const MAX_SUBJECTS = 20

/** Their types would have to be compared for JSON Schema, and others need not be narrower. Where another message is pulled than before, the values are others. */
async function unreadVersion(
  registry: SchemaRegistry,
  schema: SubjectVersion,
  there: string | undefined,
  message: string | undefined,
): Promise<UnreadVersion | undefined> {
  const facts = pulledFacts(there ?? '')
  if (facts === undefined || facts.version === schema.version || schema.format === 'json-schema') return undefined
  if (facts.message !== undefined && facts.message !== message) return undefined
  const before = await ifKnown(registry.version(schema.subject, facts.version))
  if (before === undefined) return undefined
  const reasons =
    before.format === schema.format
      ? whyUnread(schema, before, message)
      : [`it was ${before.format}, and is ${schema.format}`]
  return reasons.length === 0 ? undefined : { version: facts.version, reasons: reasons.slice(0, MAX_REASONS) }
}

interface ChosenMessage extends Pick<PlannedFile, 'message' | 'otherMessages'> {
  readonly wanted?: string
}

async function chosenMessage(
  schema: SubjectVersion,
  asked: string | undefined,
  there: string | undefined,
): Promise<ChosenMessage> {
  if (schema.format !== 'protobuf') return asked === undefined ? {} : { wanted: asked }
  await loadCodec(schema)
  const wanted = asked ?? pulledFacts(there ?? '')?.message
  const message = protobufMessage(schema, wanted).typeName
  if (wanted !== undefined) return { wanted, message }
  const top = protobufMessages(schema).filter(({ parent }) => parent === undefined)
  return { message, otherMessages: top.map(({ typeName }) => typeName).filter((name) => name !== message) }
}

/** On file systems that are blind to case, one would be written over the other. */
function refuseSameFiles(subjects: readonly string[]): void {
  const paths = subjects.map((subject) => pulledPath(subject).toLowerCase())
  const second = subjects.find((_, index) => paths.indexOf(paths[index] ?? '') !== index)
  if (second === undefined) return
  const first = subjects[paths.indexOf(pulledPath(second).toLowerCase())] ?? ''
  const facts = `${harmless(first)} and ${harmless(second)} differ in capital letters only`
  throw new PyrallelError('PYR_USAGE', `${facts}: their files would be the same on many systems. Pull one of them.`)
}

/**
 * Each file is there as a whole or as it was before: it is written beside its place, and takes that by a rename. None takes it before all are written.
 * @throws PyrallelError PYR_WRITE
 */
export function writePulled(root: string, files: readonly PlannedFile[]): void {
  const written: { readonly from: string; readonly to: string }[] = []
  try {
    mkdirSync(join(root, registryFolder), { recursive: true })
    for (const { path, content, isCurrent } of files) {
      if (isCurrent) continue
      const to = join(root, path)
      const from = `${to}.partial-${process.pid}`
      written.push({ from, to })
      writeFileSync(from, content)
    }
    for (const { from, to } of written) renameSync(from, to)
  } catch (thrown) {
    for (const { from } of written) rmSync(from, { force: true })
    const cause = toError(thrown) as Error & { readonly code?: string }
    throw new PyrallelError(
      'PYR_WRITE',
      `${registryFolder} cannot be written to: ${cause.code ?? cause.message}. Make it writable, or look whether the disk is full.`,
      { cause },
    )
  }
}
