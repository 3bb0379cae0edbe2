/** What manifests are made of: plain facts of an app, from its config file and what its handlers say. Knows no environment. */
import type { ResolvedConfig } from '../../framework/config/config.ts'
import { ANY_TOPIC, isPatternText } from '../../framework/model/topic-pattern.ts'
import { graceSeconds } from '../../framework/runtime/shutdown-limit.ts'
import type { ShippedClient } from '../build/kafka-clients.ts'
import type { ScannedHandler } from '../codegen/scan/scan-result.ts'
import { type Credentials, credentialsOf } from './credentials.ts'
import { type PodResources, podResources } from './pod-resources.ts'

/** A handler as a cluster meets it. */
export interface DeployedHandler {
  readonly id: string
  /** Or a pattern's text; its dead-letter topics have `<topic>` in place of a topic's name then. */
  readonly topic: string
  readonly group: string
  /** `undefined`: dropped on purpose. `null`: only running the code could tell. */
  readonly deadLetterTopic: string | null | undefined
  readonly publishes: readonly string[]
}

export interface AppFacts {
  /** A label of DNS: the name of everything. */
  readonly name: string
  readonly version: string
  readonly image: string
  readonly namespace: string
  readonly brokers: string
  /** No broker of the config can be reached from a container. */
  readonly hasLoopbackBrokers: boolean
  readonly startFrom: ResolvedConfig['kafka']['startFrom']
  readonly port: number
  readonly hasMetrics: boolean
  readonly graceSeconds: number
  /** The config names this member: there is a fixed number of them, each with a name that stays. */
  readonly isStatic: boolean
  readonly hasRack: boolean
  /** Its groups have transactions. */
  readonly exactlyOnce: boolean
  readonly credentials: Credentials
  readonly resources: PodResources
  readonly handlers: readonly DeployedHandler[]
  /** Sorted. */
  readonly groups: readonly string[]
}

export interface AppSources {
  /** As the file alone has it. */
  readonly config: ResolvedConfig
  /** Options that the file sets: `kafka.rack`. */
  readonly written: ReadonlySet<string>
  readonly handlers: readonly ScannedHandler[]
  readonly declaredGroup: string
  readonly client: ShippedClient
  readonly own: { readonly name: string; readonly version: string }
  readonly namespace: string
  readonly image: string | undefined
}

const STANDARD_PORT = 9_464

export function appFacts(sources: AppSources): AppFacts {
  const { config, written, client, own, namespace } = sources
  const { kafka, http } = config
  const name = dnsLabel(own.name)
  const handlers = sources.handlers.map((handler) => deployed(handler, sources.declaredGroup))
  const groups = [...new Set(handlers.map(({ group }) => group))].sort()
  return {
    name,
    version: own.version,
    image: sources.image ?? `${name}:${imageTag(own.version)}`,
    namespace,
    brokers: kafka.brokers.join(','),
    hasLoopbackBrokers: kafka.brokers.every(isLoopback),
    startFrom: kafka.startFrom,
    // Probes must know it.
    port: http.port === 0 ? STANDARD_PORT : http.port,
    hasMetrics: http.metrics,
    graceSeconds: graceSeconds(config),
    isStatic: kafka.instanceId !== undefined,
    hasRack: kafka.rack !== undefined,
    exactlyOnce: config.commit.exactlyOnce,
    credentials: credentialsOf(kafka.security, written),
    resources: podResources({ config, handlers: sources.handlers, groups: groups.length, client }),
    handlers,
    groups,
  }
}

function deployed(handler: ScannedHandler, declaredGroup: string): DeployedHandler {
  const { id, topic, publishes, deadLetter } = handler
  const group = handler.group ?? declaredGroup
  const standard = `${isPatternText(topic) ? ANY_TOPIC : topic}.${group}.dlq`
  return { id, topic, group, publishes, deadLetterTopic: deadLetterTopic(deadLetter, standard) }
}

function deadLetterTopic(deadLetter: ScannedHandler['deadLetter'], standard: string): string | null | undefined {
  switch (deadLetter.kind) {
    case 'default':
      return standard
    case 'topic':
      return deadLetter.name
    case 'none':
      return undefined
    case 'unknown':
      return null
  }
}

function isLoopback(broker: string): boolean {
  return /^(?:127\.|localhost:|\[?::1\]?:)/.test(broker)
}

/** 40 characters, so that names which are made of it fit into the 63 of a label. */
export function dnsLabel(name: string): string {
  const label = name
    .replace(/^@[^/]*\//, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 40)
    .replace(/-+$/, '')
  return label === '' ? 'pyrallel-service' : label
}

/** `1.0.0+build` is a version, and no tag. */
function imageTag(version: string): string {
  return version.replaceAll(/[^\w.-]/g, '-')
}
