/** Answers the questions of Confluent's interface out of a store, as far as serializers and `pyrallel schemas` ask them. Pure, but for what is registered. */
import type { NamedText } from '../../../framework/formats/named-text.ts'
import { schemaFault } from './registry-faults.ts'
import type { RegistryStore, SchemaType, StoredReference, StoredSchema, StoredVersion } from './registry-store.ts'

export interface PageQuestion {
  readonly method: string
  /** With its query, as in the request line. */
  readonly path: string
  readonly body: string
}

export interface PageAnswer {
  readonly status: number
  readonly json: unknown
}

/** What is answered at `/`: whoever comes here by mistake learns where he is. */
export const whatItIs = {
  name: 'the schema registry of a `pyrallel dev` session',
  keeps: 'nothing: what is registered is gone when the session ends',
  checks: 'no compatibility',
}

const types: readonly SchemaType[] = ['AVRO', 'PROTOBUF', 'JSON']

export function answerQuestion(store: RegistryStore, { method, path, body }: PageQuestion): PageAnswer {
  const steps = stepsOf(path)
  const [room, first = '', second, third] = steps
  if (
    method === 'POST' &&
    room === 'subjects' &&
    (steps.length === 2 || (steps.length === 3 && second === 'versions'))
  ) {
    return written(store, first, body, second === 'versions')
  }
  if (method !== 'GET') return fault(405, 405, 'HTTP 405 Method Not Allowed')
  switch (room) {
    case undefined:
      return fine(whatItIs)
    case 'subjects':
      if (steps.length === 1) return fine(store.subjects())
      return second === 'versions' && steps.length <= 4 ? subjectPage(store, first, third) : notFound()
    case 'schemas':
      if (first === 'types' && steps.length === 2) return fine(types)
      return first === 'ids' && second !== undefined ? idPage(store, Number(second), third) : notFound()
    case 'config':
      return fine({ compatibilityLevel: 'NONE' })
    case 'mode':
      return fine({ mode: 'READWRITE' })
    default:
      return notFound()
  }
}

function subjectPage(store: RegistryStore, subject: string, asked: string | undefined): PageAnswer {
  const versions = store.versions(subject)
  if (versions.length === 0) return fault(404, 40_401, `Subject '${subject}' not found.`)
  if (asked === undefined) return fine(versions.map(({ version }) => version))
  const found = asked === 'latest' ? versions.at(-1) : versions.find(({ version }) => String(version) === asked)
  return found === undefined ? fault(404, 40_402, `Version ${asked} not found.`) : fine(versionOf(found))
}

function idPage(store: RegistryStore, id: number, more: string | undefined): PageAnswer {
  const schema = store.byId(id)
  if (schema === undefined) return fault(404, 40_403, `Schema ${id} not found`)
  if (more === undefined) return fine(schemaOf(schema))
  if (more !== 'versions') return notFound()
  return fine(store.versionsOf(id).map(({ subject, version }) => ({ subject, version })))
}

function written(store: RegistryStore, subject: string, body: string, isNew: boolean): PageAnswer {
  const schema = schemaIn(body)
  if (typeof schema === 'string') return fault(422, 42_201, schema)
  const missing = schema.references.find((each) => referenced(store, each) === undefined)
  if (missing !== undefined) return fault(422, 42_201, `No schema reference found for subject "${missing.subject}"`)
  const wrong = schemaFault(schema, textsOf(store, schema.references), subject)
  if (wrong !== undefined) return fault(422, 42_201, wrong)
  if (isNew) return fine({ id: store.register(subject, schema) })
  if (store.versions(subject).length === 0) return fault(404, 40_401, `Subject '${subject}' not found.`)
  const found = store.lookUp(subject, schema)
  return found === undefined ? fault(404, 40_403, 'Schema not found') : fine(versionOf(found))
}

/** What is named before what names it. */
function textsOf(store: RegistryStore, references: readonly StoredReference[]): readonly NamedText[] {
  return references.flatMap((each) => {
    const found = referenced(store, each)
    if (found === undefined) return []
    return [...textsOf(store, found.schema.references), { name: each.name, text: found.schema.text }]
  })
}

function referenced(store: RegistryStore, { subject, version }: StoredReference): StoredVersion | undefined {
  return store.versions(subject).find((each) => each.version === version)
}

/** A text: why there is none. */
function schemaIn(body: string): StoredSchema | string {
  const { schema: text, schemaType: type = 'AVRO', references = [] } = objectIn(body)
  if (typeof text !== 'string' || text === '') return 'Empty schema'
  if (!types.includes(type as SchemaType)) return `Invalid schema type ${String(type)}`
  if (!Array.isArray(references) || !references.every(isReference)) return 'Invalid references'
  return {
    type: type as SchemaType,
    text,
    references: references.map(({ name, subject, version }) => ({ name, subject, version })),
  }
}

function isReference(value: unknown): value is StoredReference {
  if (typeof value !== 'object' || value === null) return false
  const { name, subject, version } = value as Partial<StoredReference>
  return typeof name === 'string' && typeof subject === 'string' && Number.isInteger(version)
}

function objectIn(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}

function stepsOf(path: string): readonly string[] {
  const [plain = ''] = path.split('?')
  const steps = plain.split('/').filter((step) => step !== '')
  try {
    return steps.map(decodeURIComponent)
  } catch {
    return steps
  }
}

function versionOf({ subject, version, id, schema }: StoredVersion): object {
  return { subject, version, id, ...schemaOf(schema) }
}

/** As Confluent's answers: Avro is not named, and what is empty is left out. */
function schemaOf({ type, text, references }: StoredSchema): object {
  return {
    schema: text,
    ...(type === 'AVRO' ? {} : { schemaType: type }),
    ...(references.length === 0 ? {} : { references }),
  }
}

function fine(json: unknown): PageAnswer {
  return { status: 200, json }
}

function notFound(): PageAnswer {
  return fault(404, 404, 'HTTP 404 Not Found')
}

function fault(status: number, code: number, message: string): PageAnswer {
  return { status, json: { error_code: code, message } }
}
