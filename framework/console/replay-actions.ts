/** Endpoints that publish dead letters again: plan, start, report, stop. Each start is a line in the log, with who asked. */
import { type Static, Type } from 'typebox'
import type { DeadLetter } from '../dead-letters/dead-letter.ts'
import { DEFAULT_MAX_REPLAYS } from '../dead-letters/replay/replay-intake.ts'
import { plural } from '../model/plural.ts'
import { type ActionsOptions, nothingBody, requireActions, tell } from './handler-actions.ts'
import { type Asked, type Endpoint, StatusAnswer, textParam } from './http/endpoint.ts'
import { badRequest, notFound } from './http/fault.ts'
import type { LetterReplays, MadePlan, RunningReplay } from './letter-replays.ts'
import type { PlanAnswer, RefusedWhy, ReplayAnswer, ReplaysAnswer } from './protocol-actions.ts'

const closed = { additionalProperties: false }
const place = Type.Object({ partition: Type.Integer({ minimum: 0 }), offset: Type.Integer({ minimum: 0 }) }, closed)
const planBody = Type.Object(
  {
    select: Type.Object(
      {
        places: Type.Optional(Type.Array(place, { minItems: 1, maxItems: 200 })),
        fingerprint: Type.Optional(Type.String({ maxLength: 256 })),
        handlerId: Type.Optional(Type.String({ maxLength: 256 })),
        sinceAt: Type.Optional(Type.Number()),
        untilAt: Type.Optional(Type.Number()),
      },
      closed,
    ),
    to: Type.Optional(Type.String({ maxLength: 249 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    maxReplays: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  },
  closed,
)
const replayBody = Type.Object(
  { plan: Type.String({ maxLength: 64 }), rate: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })) },
  closed,
)

export interface ReplayActionsOptions extends ActionsOptions {
  readonly replays: LetterReplays
}

export function replayActions(options: ReplayActionsOptions): readonly Endpoint[] {
  const { replays } = options
  return [
    {
      method: 'POST',
      path: '/api/dead-letters/{topic}/plan',
      body: planBody,
      run: (asked) => plan(asked, asked.body as Static<typeof planBody>, options),
    },
    {
      method: 'POST',
      path: '/api/dead-letters/{topic}/replays',
      body: replayBody,
      run: (asked) =>
        new StatusAnswer(202, replayAnswer(start(asked, asked.body as Static<typeof replayBody>, options))),
    },
    {
      method: 'GET',
      path: '/api/dead-letters/{topic}/replays',
      run: (asked): ReplaysAnswer => ({ replays: replays.of(textParam(asked, 'topic')).map(replayAnswer) }),
    },
    { method: 'GET', path: '/api/replays/{id}', run: (asked) => replayAnswer(replays.find(textParam(asked, 'id'))) },
    {
      method: 'POST',
      path: '/api/replays/{id}/stop',
      body: nothingBody,
      run: (asked) => {
        requireActions(options)
        const run = replays.stop(textParam(asked, 'id'))
        tell(options, 'action.replay-stop', { topic: run.topic, client: asked.from }, `${run.topic}: replay stopped`)
        return replayAnswer(run)
      },
    },
  ]
}

async function plan(asked: Asked, body: Static<typeof planBody>, options: ReplayActionsOptions): Promise<PlanAnswer> {
  requireActions(options)
  const topic = textParam(asked, 'topic')
  const { handlers } = options.runtime()
  const { select, to, limit = 1_000, maxReplays = DEFAULT_MAX_REPLAYS } = body
  if (!handlers.some(({ route }) => route.deadLetterTopic === topic)) {
    throw notFound('No handler of this process has such a dead-letter topic.')
  }
  // Headers come from whoever writes records: they may name what is read here, and nothing else.
  const allowed = new Set(handlers.map(({ route }) => route.topic))
  if (to !== undefined && !allowed.has(to)) throw badRequest('to must be a topic that a handler of this process reads.')
  const isSelected = selectionOf(select)
  return planAnswer(await options.replays.plan({ topic, isSelected, to, allowed, limit, maxReplays }))
}

function start(asked: Asked, body: Static<typeof replayBody>, options: ReplayActionsOptions): RunningReplay {
  requireActions(options)
  const topic = textParam(asked, 'topic')
  const run = options.replays.start(topic, body.plan, body.rate ?? 100)
  const fields = { topic, recordCount: run.planned, client: asked.from }
  tell(
    options,
    'action.replay',
    fields,
    `${topic}: ${plural(run.planned, 'dead letter')} ${run.planned === 1 ? 'is' : 'are'} published again`,
  )
  return run
}

type Select = Static<typeof planBody>['select']

/** All that is given must be true of a letter. */
function selectionOf({ places, fingerprint, handlerId, sinceAt, untilAt }: Select): (letter: DeadLetter) => boolean {
  const rules: ((letter: DeadLetter) => boolean)[] = []
  if (places !== undefined) {
    rules.push(({ record }) =>
      places.some(({ partition, offset }) => partition === record.partition && offset === record.offset),
    )
  }
  if (fingerprint !== undefined) rules.push((letter) => letter.fingerprint === fingerprint)
  if (handlerId !== undefined) rules.push((letter) => letter.handler === handlerId)
  if (sinceAt !== undefined) rules.push(({ record }) => record.timestamp >= sinceAt)
  if (untilAt !== undefined) rules.push(({ record }) => record.timestamp < untilAt)
  return (letter) => rules.every((rule) => rule(letter))
}

function planAnswer({ id, expiresAt, plan: of, targets, isCut }: MadePlan): PlanAnswer {
  const counts = (refused: ReplayPlan['refused']) => [...refused.values()].reduce((sum, { count }) => sum + count, 0)
  return {
    plan: id,
    expiresAt,
    counts: [...targets].map(([target, records]) => ({ target, records })),
    refused: present([
      ['target-not-allowed', counts(of.refused)],
      ['target-unknown', counts(of.unknown)],
      ...skippedOf(of),
    ]),
    left: of.publishable - of.planned,
    isCut: isCut || of.full !== undefined,
  }
}

type ReplayPlan = MadePlan['plan']

function skippedOf(
  of: Pick<
    ReplayPlan,
    'replayedTooOften' | 'withoutValue' | 'withoutRecord' | 'withoutTopic' | 'contradictory' | 'alreadyReplayed'
  >,
) {
  return [
    ['replayed-too-often', of.replayedTooOften],
    ['no-payload', of.withoutValue + of.withoutRecord],
    ['no-target', of.withoutTopic + of.contradictory],
    ['replayed-already', of.alreadyReplayed],
  ] as const
}

function present(rows: readonly (readonly [why: RefusedWhy, records: number])[]) {
  return rows.filter(([, records]) => records > 0).map(([why, records]) => ({ why, records }))
}

function replayAnswer(run: RunningReplay): ReplayAnswer {
  const { id, topic, startedAt, endedAt, planned, published, report, isWaiting } = run
  const failure = run.error ?? report?.failure ?? null
  return {
    id,
    topic,
    state: stateOf(run, failure),
    isWaiting,
    startedAt,
    endedAt,
    planned,
    published: [...published].map(([target, records]) => ({ target, records })),
    notMarked: report?.notMarked ?? 0,
    unknown: report?.onTheirWay ?? 0,
    skipped: report === null ? [] : present(skippedOf(report)),
    error: failure === null ? null : { name: failure.name, message: failure.message },
  }
}

function stateOf({ endedAt, isStopping, report }: RunningReplay, failure: Error | null): ReplayAnswer['state'] {
  if (endedAt === null) return isStopping ? 'stopping' : 'running'
  if (failure !== null) return 'failed'
  return report?.isStopped === true ? 'stopped' : 'done'
}
