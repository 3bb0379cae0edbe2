/** The chaos panel of a session: faults on demand, and what became of every record. */
import { type Static, Type } from 'typebox'
import { type Asked, type Endpoint, textParam } from '../../../framework/console/http/endpoint.ts'
import { ApiFault, badRequest, notFound } from '../../../framework/console/http/fault.ts'
import { type ChaosAnswer, type ChaosKind, chaosKinds } from '../../../framework/console/protocol-dev.ts'
import type { Logger } from '../../../framework/model/logger.ts'
import type { Faults, FaultsTarget } from '../faults/faults.ts'

const closed = { additionalProperties: false }
const faultBody = Type.Object(
  {
    forMs: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 60_000 })),
    delayMs: Type.Optional(Type.Integer({ minimum: 10, maximum: 5_000 })),
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    handlerId: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    topic: Type.Optional(Type.String({ minLength: 1, maxLength: 249 })),
  },
  closed,
)
const nothing = Type.Object({}, closed)

/** What each takes. */
const takes: Readonly<Record<ChaosKind, readonly string[]>> = {
  rebalance: [],
  'kill-thread': ['handlerId'],
  'slow-commits': ['forMs', 'delayMs'],
  'log-hole': ['topic', 'count'],
  'fail-attempts': ['forMs', 'count', 'handlerId'],
}

export interface FaultEndpointsOptions extends FaultsTarget {
  readonly faults: Faults
  readonly log: Logger
}

export function faultEndpoints(options: FaultEndpointsOptions): readonly Endpoint[] {
  return [
    { method: 'GET', path: '/api/dev/chaos', run: () => answer(options) },
    { method: 'POST', path: '/api/dev/chaos/{what}', body: faultBody, run: (asked) => run(asked, options) },
    { method: 'POST', path: '/api/dev/chaos/{what}/stop', body: nothing, run: (asked) => stop(asked, options) },
  ]
}

async function run(asked: Asked, options: FaultEndpointsOptions): Promise<ChaosAnswer> {
  const what = kindOf(asked)
  const body = asked.body as Static<typeof faultBody>
  const foreign = Object.keys(body).find((name) => !takes[what].includes(name))
  if (foreign !== undefined) throw badRequest(`${what} takes no ${foreign}.`)
  const { handlerId } = body
  const isKnown = options.handlers().some(({ route }) => route.handlerId === handlerId)
  if (handlerId !== undefined && !isKnown) throw notFound(`There is no handler '${handlerId}'.`)
  const why = await options.faults.run(what, body, options)
  if (why !== undefined) throw new ApiFault('conflict', why, 'GET /api/dev/chaos says what can be done here.')
  options.log.info({ what: `action.chaos-${what}`, client: asked.from }, 'asked for from the console')
  return answer(options)
}

function stop(asked: Asked, options: FaultEndpointsOptions): Promise<ChaosAnswer> {
  options.faults.stop(kindOf(asked))
  return answer(options)
}

function answer(options: FaultEndpointsOptions): Promise<ChaosAnswer> {
  return options.faults.answer(options, chaosKinds)
}

function kindOf(asked: Asked): ChaosKind {
  const name = textParam(asked, 'what')
  const found = chaosKinds.find((each) => each === name)
  if (found === undefined) throw notFound(`There is no fault '${name}'. There are: ${chaosKinds.join(', ')}.`)
  return found
}
