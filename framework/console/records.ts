/** Endpoints about partitions, records, keys and retries: why they wait, and what may be done about single ones. */
import { type Static, Type } from 'typebox'
import type { ActionResult } from '../model/action.ts'
import { PyrallelError } from '../model/errors.ts'
import { recordPlace } from '../model/record.ts'
import type { Clock } from '../time/clock.ts'
import { askedKey } from './asked-key.ts'
import { type ActionsOptions, requireActions, tell } from './handler-actions.ts'
import { type Asked, type Endpoint, type FileAnswer, numberParam, textParam } from './http/endpoint.ts'
import { ApiFault, badRequest, notFound } from './http/fault.ts'
import type { Looks } from './looks.ts'
import type { CloseBreakerAnswer, FindKeyAnswer, RecordActionAnswer } from './protocol-actions.ts'
import type { KeysAnswer, PartitionView, RecordView, RetriesAnswer } from './protocol-records.ts'
import type { ReadValues } from './read-values.ts'
import { type CopyKind, copyOf } from './record-answers.ts'
import type { RecordTraces } from './record-traces.ts'
import { breakerView, keyRow, parkedRow, partitionView, recordView, retryRow, type Shown } from './record-views.ts'

const closed = { additionalProperties: false }
const offsetNumber = Type.Integer({ minimum: 0 })
const actionBody = Type.Object({ epoch: offsetNumber, attempt: offsetNumber }, closed)
const breakerBody = Type.Object(
  { group: Type.String(), topic: Type.String(), partition: offsetNumber, epoch: offsetNumber, breaker: offsetNumber },
  closed,
)
const findBody = Type.Object(
  {
    group: Type.String(),
    topic: Type.String(),
    key: Type.Optional(Type.String()),
    keyBase64: Type.Optional(Type.String()),
  },
  closed,
)

const actionNames = { retryNow: 'action.retry-now', giveUp: 'action.give-up', discard: 'action.discard' } as const

const copies = ['value', 'test', 'send'] as const

/** A page asks again in a second. */
const READ_WAIT_MS = 300

/** Of a ribbon that is drawn ten times a second. */
const ONE_RIBBON = { looks: 20_000, runs: 500 }

export interface RecordsOptions extends ActionsOptions, Shown {
  readonly looks: Looks
  readonly traces: RecordTraces
  readonly reads: ReadValues
  readonly clock: Clock
}

export class Records {
  readonly #options: RecordsOptions

  constructor(options: RecordsOptions) {
    this.#options = options
  }

  get endpoints(): readonly Endpoint[] {
    const place = '/api/records/{group}/{topic}/{partition}/{offset}'
    const body = { method: 'POST', body: actionBody } as const
    const known = (run: (asked: Asked) => unknown) => (asked: Asked) => explained(() => run(asked))
    return [
      {
        method: 'GET',
        path: '/api/partitions/{group}/{topic}/{partition}',
        run: known((asked) => this.partition(asked)),
      },
      { method: 'GET', path: place, run: known((asked) => this.record(asked)) },
      ...copies.map(
        (kind): Endpoint => ({
          method: 'GET',
          path: `${place}/${kind}`,
          run: known((asked) => this.copy(kind, asked)),
        }),
      ),
      { method: 'GET', path: '/api/keys', run: known((asked) => this.keys(asked)) },
      { method: 'GET', path: '/api/retries', run: known((asked) => this.retries(asked)) },
      { method: 'POST', path: '/api/keys/find', body: findBody, run: known((asked) => this.find(asked)) },
      { ...body, path: `${place}/retry-now`, run: known((asked) => this.#act('retryNow', asked)) },
      { ...body, path: `${place}/give-up`, run: known((asked) => this.#act('giveUp', asked)) },
      { ...body, path: `${place}/discard`, run: known((asked) => this.#act('discard', asked)) },
      {
        method: 'POST',
        path: '/api/breakers/close',
        body: breakerBody,
        run: known((asked) => this.#closeBreaker(asked)),
      },
    ]
  }

  partition(asked: Asked): PartitionView {
    const group = textParam(asked, 'group')
    const of = { topic: textParam(asked, 'topic'), partition: numberParam(asked, 'partition') }
    const found = this.#options.runtime().inspection.partition(group, of)
    if (found === null) throw notAssigned()
    return partitionView(group, found, this.#metricsOf(group, of))
  }

  /** Ribbons of the stream: one whole, several in short. What is not assigned here, or written wrongly, is left out. */
  ribbons(named: readonly string[]): readonly PartitionView[] {
    const { inspection, handlers } = this.#options.runtime()
    const groups = new Set(handlers.map(({ group }) => group))
    const asked = named.flatMap((each) => {
      const [group = '', topic = '', partition = ''] = each.split('/').map(decoded)
      return groups.has(group) && /^\d{1,10}$/.test(partition) ? [{ group, topic, partition: Number(partition) }] : []
    })
    return [...groups].flatMap((group) => {
      const of = asked.filter((each) => each.group === group)
      const found = of.length === 0 ? [] : inspection.partitions(group, of, asked.length === 1 ? ONE_RIBBON : undefined)
      return found.map((each) => partitionView(group, each, this.#metricsOf(group, each)))
    })
  }

  async record(asked: Asked): Promise<RecordView> {
    const group = textParam(asked, 'group')
    const found = this.#options.runtime().inspection.explain(group, placeOf(asked))
    if (found === null) throw notAssigned()
    if (found.record === null || !this.#options.mask.shows(found.topic)) return this.#view(group, found)
    const { reads, keys, runtime } = this.#options
    const [read, readKey] = await Promise.all([
      reads.of(found.record, runtime().values, READ_WAIT_MS),
      keys.of(found.record, READ_WAIT_MS),
    ])
    return { ...this.#view(group, found), read, readKey }
  }

  async copy(kind: CopyKind, asked: Asked): Promise<FileAnswer> {
    const group = textParam(asked, 'group')
    const { inspection, handlers, values } = this.#options.runtime()
    const found = inspection.explain(group, placeOf(asked))
    if (found === null) throw notAssigned()
    const handler = handlers.find((each) => each.group === group && each.route.topic === found.topic)
    if (handler === undefined) throw notAssigned()
    const { mask, clock } = this.#options
    return copyOf(kind, found, { handler, mask, values, clock })
  }

  async keys({ query }: Asked): Promise<KeysAnswer> {
    const [group, topic, by] = [query.get('g') ?? '', query.get('t'), query.get('by') ?? 'depth']
    if (by !== 'depth' && by !== 'age') throw badRequest('by must be depth or age.')
    const { inspection } = this.#options.runtime()
    const { rows, looked, isCut } = inspection.keys(group, by, topic === null ? {} : { topic })
    const open = inspection.openBreakers(group)
    await this.#options.keys.ready(rows, READ_WAIT_MS)
    return { rows: rows.map((row) => keyRow(row, open, this.#options)), looked, isCut }
  }

  async retries({ query }: Asked): Promise<RetriesAnswer> {
    const { rows, waiting, parked, parkedCount } = this.#options.runtime().inspection.retries(query.get('g') ?? '')
    await this.#options.keys.ready([...rows, ...parked], READ_WAIT_MS)
    return {
      rows: rows.map((row) => retryRow(row, this.#options)),
      isCut: waiting > rows.length,
      parked: parked.map((row) => parkedRow(row, this.#options)),
      parkedCount,
    }
  }

  find(asked: Asked): FindKeyAnswer {
    const { group, topic, ...which } = asked.body as Static<typeof findBody>
    const bytes = askedKey(which)
    if (bytes === undefined) throw badRequest('Send one of key and keyBase64.')
    const of = this.#options.runtime().inspection.explainKey(group, topic, bytes)
    if (of === null) return { found: null }
    const { partition, handlerId, epoch, depth, isCut, first, breaker } = of
    return {
      found: {
        partition,
        handlerId,
        epoch,
        depth,
        isCut,
        first: first === null ? null : this.#view(group, first),
        breaker: breaker === null ? null : breakerView(breaker),
      },
    }
  }

  #act(verb: keyof typeof actionNames, asked: Asked): RecordActionAnswer {
    requireActions(this.#options)
    const group = textParam(asked, 'group')
    const place = placeOf(asked)
    const runtime = this.#options.runtime()
    const result = runtime[verb](group, { ...place, ...(asked.body as Static<typeof actionBody>) })
    this.#refuse(group, result)
    const what = actionNames[verb]
    tell(this.#options, what, { group, ...place, client: asked.from }, `${recordPlace(place)}: ${what.slice(7)}`)
    const found = runtime.inspection.explain(group, place)
    if (found === null) throw notAssigned()
    return { record: this.#view(group, found) }
  }

  #closeBreaker(asked: Asked): CloseBreakerAnswer {
    requireActions(this.#options)
    const { group, ...of } = asked.body as Static<typeof breakerBody>
    this.#refuse(group, this.#options.runtime().closeBreaker(group, of))
    const { topic, partition } = of
    tell(this.#options, 'action.close-breaker', { group, topic, partition, client: asked.from }, 'a breaker was closed')
    return { closed: true }
  }

  #refuse(group: string, result: ActionResult): void {
    if (result.isDone) return
    const { why, now } = result
    const record = now === null ? undefined : this.#view(group, now)
    throw new ApiFault('conflict', `It was not done: ${why}.`, 'Look at how it stands now, and decide again.', record)
  }

  #view(group: string, of: NonNullable<ReturnType<Explain>>): RecordView {
    const { handlers } = this.#options.runtime()
    const handler = handlers.find((each) => each.group === group && each.route.topic === of.topic)
    const hasDeadLetterTopic = handler !== undefined && handler.route.deadLetterTopic !== null
    const trace = this.#options.traces.find(group, of)
    const timeline = trace === undefined || of.epoch !== trace.epoch ? null : trace.timeline()
    return recordView(of, { group, hasDeadLetterTopic, timeline }, this.#options)
  }

  #metricsOf(group: string, { topic, partition }: { readonly topic: string; readonly partition: number }) {
    const of = this.#options.looks.now().metrics.groups.find((each) => each.group === group)
    return of?.partitions.find((each) => each.topic === topic && each.partition === partition)
  }
}

type Explain = ReturnType<RecordsOptions['runtime']>['inspection']['explain']

function placeOf(asked: Asked) {
  return {
    topic: textParam(asked, 'topic'),
    partition: numberParam(asked, 'partition'),
    offset: numberParam(asked, 'offset'),
  }
}

function notAssigned(): ApiFault {
  return notFound('The partition is not assigned to this process.')
}

/** A group that does not run here is a mistake of who asked. */
async function explained<Answer>(run: () => Answer): Promise<Awaited<Answer>> {
  try {
    return await run()
  } catch (thrown) {
    if (thrown instanceof PyrallelError && thrown.code === 'PYR_USAGE') throw notFound(thrown.message)
    throw thrown
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return ''
  }
}
