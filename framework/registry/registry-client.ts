/** Asks a schema registry over HTTP, in the interface of Confluent's that others have, too. Knows nothing of values, formats or handlers. */
import type { PulledReference } from '../api/format.ts'
import { registryGaps } from '../config/registry-options.ts'
import { PyrallelError } from '../model/errors.ts'
import type { RegistrySettings } from '../model/settings.ts'
import type { Clock } from '../time/clock.ts'
import { sleep } from '../time/wait.ts'
import { type HttpAnswer, HttpExchange } from './http-exchange.ts'
import { KeptAnswers } from './kept-answers.ts'
import {
  type AnsweredReference,
  type AnsweredSchema,
  readId,
  readMessage,
  readObjections,
  readPlace,
  readSchema,
  readSubjects,
  readVersion,
  unknownCode,
} from './registry-answers.ts'
import { clearSecrets, RegistryCredentials, tlsParts } from './registry-credentials.ts'
import { networkFault, registryRefusal, told } from './registry-faults.ts'
import type { NewSchema, RegisteredSchema, SchemaFormat, SchemaRegistry, SubjectVersion } from './schema-registry.ts'

/** Requests until the registry counts as unreachable; what asks in the background comes back anyway. */
const TRIES = 3
const FIRST_DELAY_MS = 200
const MAX_DELAY_MS = 5_000
const MAX_KEPT = 1_000
/** A schema that names others, which name others: deeper than anybody writes. */
const MAX_REFERENCES = 1_000

const schemaTypes: Readonly<Record<SchemaFormat, string>> = {
  avro: 'AVRO',
  protobuf: 'PROTOBUF',
  'json-schema': 'JSON',
}

const accepted = 'application/vnd.schemaregistry.v1+json, application/json'

/**
 * Connects when it is first asked.
 * @param random from 0 to below 1, for the delays between tries
 * @throws PyrallelError PYR_CONFIG_INVALID when something is missing in `registry`, cannot be read, or would go over the network in clear
 */
export function connectRegistry(settings: RegistrySettings, clock: Clock, random: () => number): SchemaRegistry {
  const faults = [...registryGaps(settings), ...clearSecrets(settings)]
  if (faults.length > 0) throw new PyrallelError('PYR_CONFIG_INVALID', faults.join('\n'))
  return new RegistryClient(settings, clock, random)
}

const posted = 'application/vnd.schemaregistry.v1+json'

interface Question {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: string
}

class RegistryClient implements SchemaRegistry {
  readonly url: string
  readonly #exchange: HttpExchange
  readonly #credentials: RegistryCredentials
  readonly #clock: Clock
  readonly #random: () => number
  readonly #schemas = new KeptAnswers<RegisteredSchema>(MAX_KEPT)
  readonly #versions = new KeptAnswers<SubjectVersion>(MAX_KEPT)

  constructor(settings: RegistrySettings, clock: Clock, random: () => number) {
    this.url = (settings.url ?? '').replace(/\/+$/, '')
    this.#exchange = new HttpExchange(tlsParts(settings), settings.requestTimeoutMs)
    this.#credentials = new RegistryCredentials(settings.auth, this.#exchange, clock)
    this.#clock = clock
    this.#random = random
  }

  byId(id: number): Promise<RegisteredSchema> {
    return this.#schemas.get(String(id), async () => {
      const answer = await this.#get(`/schemas/ids/${id}`, `There is no schema with id ${id} in ${this.#where}`)
      return this.#whole(readSchema(answer, this.#where))
    })
  }

  byGuid(guid: string): Promise<RegisteredSchema> {
    const named = guid.toLowerCase()
    return this.#schemas.get(named, async () => {
      const path = `/schemas/guids/${encodeURIComponent(named)}`
      const absent = `There is no schema with GUID ${told(named)} in ${this.#where}`
      const answer = await this.#get(path, absent).catch(async (thrown: unknown) => {
        if (!isForeign(thrown) || !(await this.#knowsTypes())) throw thrown
        throw new PyrallelError('PYR_SCHEMA_UNKNOWN', `${absent}, as it knows schemas by their ids only.`)
      })
      return this.#whole({ ...readSchema(answer, this.#where), guid: named })
    })
  }

  version(subject: string, version: number): Promise<SubjectVersion> {
    return this.#versions.get(`${version} ${subject}`, () => this.#version(subject, version))
  }

  latest(subject: string): Promise<SubjectVersion> {
    return this.#version(subject, 'latest')
  }

  async subjects(): Promise<readonly string[]> {
    const answer = await this.#get('/subjects', `There are no subjects in ${this.#where}`)
    return [...readSubjects(answer, this.#where)].sort()
  }

  async versionOf(subject: string, schema: NewSchema): Promise<number | undefined> {
    const answer = await ifKnown(this.#post(`/subjects/${encodeURIComponent(subject)}`, subject, schema))
    return answer === undefined ? undefined : readPlace(answer, this.#where)
  }

  async objections(subject: string, schema: NewSchema): Promise<readonly string[] | undefined> {
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/latest?verbose=true`
    const answer = await ifKnown(this.#post(path, subject, schema))
    return answer === undefined ? undefined : readObjections(answer, this.#where)
  }

  async register(subject: string, schema: NewSchema): Promise<number> {
    return readId(await this.#post(`/subjects/${encodeURIComponent(subject)}/versions`, subject, schema), this.#where)
  }

  close(): void {
    this.#exchange.close()
  }

  /** What every registry of this interface answers, and a page for logging in does not. */
  async #knowsTypes(): Promise<boolean> {
    try {
      return Array.isArray(await this.#get('/schemas/types', `There are no types of schemas in ${this.#where}`))
    } catch (thrown) {
      if (isForeign(thrown)) return false
      throw thrown
    }
  }

  get #where(): string {
    return `the registry at ${this.url}`
  }

  async #version(subject: string, version: number | 'latest'): Promise<SubjectVersion> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`
    const what = version === 'latest' ? 'no subject' : `no version ${version} of the subject`
    const answer = await this.#get(path, `There is ${what} ${told(subject)} in ${this.#where}`)
    const read = readVersion(answer, this.#where)
    return { ...(await this.#whole(read)), subject: read.subject, version: read.version, id: read.id }
  }

  /** With all that it names. */
  async #whole(schema: AnsweredSchema): Promise<RegisteredSchema> {
    const { format, text, guid, rules } = schema
    const found = new Map<string, PulledReference>()
    await this.#collect(schema.references, found, new Set(), { left: MAX_REFERENCES })
    return { format, text, guid, rules, references: [...found.values()] }
  }

  /** Depth first, so that what is named stands before what names it. */
  async #collect(
    references: readonly AnsweredReference[],
    found: Map<string, PulledReference>,
    above: ReadonlySet<string>,
    questions: { left: number },
  ): Promise<void> {
    for (const { name, subject, version } of references) {
      const key = `${version} ${subject}`
      if (found.has(name) || above.has(key)) continue
      if (questions.left === 0) {
        throw new PyrallelError('PYR_REGISTRY', `A schema in ${this.#where} names more than ${MAX_REFERENCES} others.`)
      }
      questions.left -= 1
      const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`
      const absent = `There is no version ${version} of the subject ${told(subject)} in ${this.#where}, which another schema names`
      const read = readVersion(await this.#get(path, absent), this.#where)
      await this.#collect(read.references, found, new Set([...above, key]), questions)
      found.set(name, { name, subject, version, text: read.text })
    }
  }

  #get(path: string, absent: string): Promise<unknown> {
    return this.#asked({ method: 'GET', path }, absent)
  }

  #post(path: string, subject: string, { format, text }: NewSchema): Promise<unknown> {
    const body = JSON.stringify({ schemaType: schemaTypes[format], schema: text })
    return this.#asked({ method: 'POST', path, body }, `There is no such schema of ${told(subject)} in ${this.#where}`)
  }

  /** @param absent what is said when the registry has no such thing */
  async #asked(question: Question, absent: string): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(question, absent)
      } catch (thrown) {
        if (!(thrown instanceof PyrallelError) || !thrown.retriable || attempt === TRIES) throw thrown
        const delayMs = Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), MAX_DELAY_MS)
        await sleep(this.#clock, delayMs * (0.5 + this.#random() / 2))
      }
    }
  }

  async #once(question: Question, absent: string): Promise<unknown> {
    let answer = await this.#ask(question)
    // A token may be withdrawn before its time.
    if (answer.status === 401 && this.#credentials.forget()) answer = await this.#ask(question)
    const { status, text } = answer
    if (status === 200) return parsed(text, this.#where)
    if (status === 404) throw this.#notFound(text, absent)
    if (status === 429 || status >= 500 || [401, 403, 407].includes(status)) throw registryRefusal(this.#where, status)
    if (question.method === 'POST' && (status === 409 || status === 422)) {
      const why = readMessage(text)
      const facts = `The schema is refused by ${this.#where} (status ${status})${why === '' ? '' : `: ${why}`}`
      throw new PyrallelError('PYR_REGISTRY', `${facts}. Look at the compatibility that it asks of the subject.`)
    }
    const facts = `There is no answer from ${this.#where}, but status ${status}`
    throw new PyrallelError('PYR_REGISTRY', `${facts}. Look at registry.url: redirects are not followed.`)
  }

  async #ask({ method, path, body }: Question): Promise<HttpAnswer> {
    const authorization = await this.#credentials.header()
    const headers = {
      accept: accepted,
      ...(body !== undefined && { 'content-type': posted }),
      ...(authorization !== undefined && { authorization }),
    }
    try {
      return await this.#exchange.ask({
        method,
        url: `${this.url}${path}`,
        headers,
        ...(body !== undefined && { body }),
      })
    } catch (thrown) {
      throw networkFault(this.#where, thrown)
    }
  }

  /** Every server has a status 404 for what it knows nothing of. */
  #notFound(text: string, absent: string): PyrallelError {
    if (unknownCode(text) !== undefined) return new PyrallelError('PYR_SCHEMA_UNKNOWN', `${absent}.`)
    return new PyrallelError(
      'PYR_REGISTRY',
      `What answers at ${this.url} does not know this question of Confluent's interface, or is no registry. Look at registry.url: that of Apicurio ends in /apis/ccompat/v7.`,
    )
  }
}

/** It does not know the question, or is no registry. */
function isForeign(thrown: unknown): boolean {
  return thrown instanceof PyrallelError && thrown.code === 'PYR_REGISTRY'
}

/** `undefined` where the registry has no such thing. */
async function ifKnown(asked: Promise<unknown>): Promise<unknown> {
  return asked.catch((thrown: unknown) => {
    if (thrown instanceof PyrallelError && thrown.code === 'PYR_SCHEMA_UNKNOWN') return undefined
    throw thrown
  })
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new PyrallelError('PYR_REGISTRY', `The answer of ${where} is no JSON. Look at registry.url.`)
  }
}
