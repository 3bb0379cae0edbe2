/** `pyrallel doctor`: looks at everything that must be right, goes on after what is not, and says what to do. Changes nothing. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ClientLoaders } from '../../framework/kafka/clients/load-client.ts'
import type { ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import { byHandler } from '../../framework/model/by-handler.ts'
import { Closers } from '../../framework/model/closers.ts'
import { toError } from '../../framework/model/errors.ts'
import { harmlessLines } from '../../framework/model/plain-text.ts'
import { connectRegistry } from '../../framework/registry/registry-client.ts'
import { withFoundTopics } from '../../framework/runtime/found-topics.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { ResolvedHandler } from '../../framework/runtime/runtime.ts'
import { systemClock } from '../../framework/time/clock.ts'
import {
  type ChosenCluster,
  type Connect,
  chooseCluster,
  connectCluster,
  connectionOptions,
} from '../cluster/connect.ts'
import { examineConcurrency, examineNode, examineSession, examineTopics, type Finding } from '../cluster/diagnose.ts'
import { examineClient } from '../cluster/examine-client.ts'
import { examinePatterns } from '../cluster/examine-patterns.ts'
import { examineRegistry, noRegistry, pulledSchemas } from '../cluster/examine-registry.ts'
import { examineTransactions } from '../cluster/examine-transactions.ts'
import { examineEnvFiles } from '../cluster/tracked-secrets.ts'
import { topicsOf } from '../project/declared-topics.ts'
import { configFile, loadRoutes, type Project } from '../project/project.ts'
import { exitCodes } from '../terminal/failure.ts'
import { hasColor, type Io } from '../terminal/io.ts'
import { jsonText } from '../terminal/json-text.ts'
import { type Paint, painter } from '../terminal/paint.ts'

export interface DoctorOptions {
  readonly brokers?: string
  readonly json?: boolean
}

const CHECK_TIMEOUT_MS = 5_000

/** @returns 1 when something is ill; warnings are no illness */
export async function doctor(
  options: DoctorOptions,
  io: Io,
  connect: Connect = connectCluster,
  loaders?: ClientLoaders,
): Promise<number> {
  const findings: Finding[] = [examineNode(process.versions.node)]
  const envFiles = examineEnvFiles(io.cwd())
  if (envFiles !== undefined) findings.push(envFiles)
  const chosen = await attempt('config', findings, () => chooseCluster(options.brokers, io))
  const client = await examineClient(needsOf(chosen, io), loaders)
  findings.splice(1, 0, client)
  // In the place of the config, which only the client can find ill in some ways.
  const afterConfig = findings.length
  const handlers = await examineHandlers(chosen, findings, io)
  if (chosen === undefined) findings.push(brokerSkipped('the config does not tell where it is'))
  else if (client.state === 'ill') findings.push(brokerSkipped('no Kafka client can be loaded'))
  else await examineCluster(chosen, handlers, findings, io, connect)
  if (chosen?.project !== undefined && handlers !== undefined) {
    findings.push(...(await examineSchemas(chosen.project, handlers)))
  }
  if (chosen?.project !== undefined) {
    const isRefused = findings.some(({ what, state }) => what === 'config' && state === 'ill')
    findings.splice(afterConfig, 0, ...examineConfig(chosen.project, isRefused ? 'ill' : 'well'))
  }
  const isIll = findings.some(({ state }) => state === 'ill')
  io.stdout.write(
    options.json === true
      ? `${jsonText({ findings, well: !isIll }, 2)}\n`
      : findings.map((finding) => text(finding, painter(hasColor(io.stdout, io.env)))).join(''),
  )
  return isIll ? exitCodes.failed : exitCodes.fine
}

/** @param state ill where something else has found it so, and told what is wrong */
function examineConfig({ config, warnings }: Project, state: 'well' | 'ill'): readonly Finding[] {
  const next = 'See all that counts: pyrallel config'
  const well: Finding = { what: 'config', state: 'well', detail: `${configFile}, group ${config.group}` }
  return [
    ...(state === 'well' ? [well] : []),
    ...warnings.map((detail): Finding => ({ what: 'variables', state: 'warning', detail, next })),
  ]
}

const after = 'Correct what is ill above, and run it again.'

/** With all that only a broker can tell. */
function brokerSkipped(detail: string): Finding {
  return { what: 'broker, topics', state: 'skipped', detail, next: after }
}

/** Without a config, the one that would run by default. */
function needsOf(chosen: ChosenCluster | undefined, io: Io): Parameters<typeof examineClient>[0] {
  if (chosen === undefined) return { groupProtocol: 'consumer' }
  return connectionOptions(chosen.target, chosen.project, io)
}

async function examineHandlers(
  chosen: ChosenCluster | undefined,
  findings: Finding[],
  io: Io,
): Promise<readonly ResolvedHandler[] | undefined> {
  const config = chosen?.project?.config
  const skipped = (detail: string, next: string) =>
    void findings.push({ what: 'handlers', state: 'skipped', detail, next })
  if (config === undefined) {
    if (existsSync(join(io.cwd(), configFile))) skipped('the config is ill', after)
    else skipped('this folder is no project', 'Run it in the folder of a project to look at its handlers.')
    return undefined
  }
  const handlers = await attempt('handlers', findings, async () => {
    const routes = await loadRoutes(io.cwd())
    return routes === undefined ? [] : resolveHandlers(routes, config)
  })
  if (handlers?.length === 0) skipped('generated/ has none', 'Write one below handlers/, then: pyrallel generate')
  else if (handlers !== undefined)
    findings.push({
      what: 'handlers',
      state: 'well',
      detail: [...byHandler(handlers, ({ route }) => route.handlerId).keys()].join(', '),
    })
  return handlers
}

/** What the files of the project say must be so in the registry. */
async function examineSchemas({ config }: Project, handlers: readonly ResolvedHandler[]): Promise<readonly Finding[]> {
  const schemas = pulledSchemas(topicsOf(handlers))
  if (schemas.length === 0) return []
  if (config.registry.url === undefined) return [noRegistry]
  return new Closers().around(async (closers) => {
    const findings: Finding[] = []
    const registry = await attempt('schema registry', findings, async () => {
      return connectRegistry(config.registry, systemClock(), Math.random)
    })
    if (registry === undefined) return findings
    closers.add('the registry', () => registry.close())
    return examineRegistry(registry, schemas)
  })
}

async function examineCluster(
  { target, project }: ChosenCluster,
  handlers: readonly ResolvedHandler[] | undefined,
  findings: Finding[],
  io: Io,
  connect: Connect,
): Promise<void> {
  const connection = await attempt('broker', findings, () => connect(target, project, io))
  if (connection === undefined) return skipTopics('no broker could be asked', findings)
  await new Closers().around(async (closers) => {
    closers.add('the connection', () => connection.close())
    const answers = await attempt('broker', findings, async () => {
      await connection.check(CHECK_TIMEOUT_MS)
      return true
    })
    if (answers === undefined) return skipTopics('no broker could be asked', findings)
    findings.push({ what: 'broker', state: 'well', detail: `${connection.description} (${target.from}) answers` })
    if (project === undefined) return
    findings.push(examineSession(project.config.kafka, project.config.group))
    // As at a start, and no group is joined: settings that do not go together are refused here.
    await attempt('consumer', findings, async () => {
      const client = await connection.consumer({ group: project.config.group, startFrom: 'earliest' })
      await client.close()
    })
    if (project.config.commit.exactlyOnce) {
      const groups = new Set([project.config.group, ...(handlers ?? []).map(({ group }) => group)])
      findings.push(...(await examineTransactions(connection, [...groups].sort())))
    }
    if (handlers === undefined) skipTopics('it is not known which the handlers need', findings)
    else if (handlers.length > 0)
      await attempt('topics', findings, () =>
        examineWants(connection, handlers, project.config.limits.maxRecordsPerPartition, findings),
      )
  })
}

function skipTopics(detail: string, findings: Finding[]): void {
  findings.push({ what: 'topics', state: 'skipped', detail, next: after })
}

async function examineWants(
  { view }: ViewedConnection,
  handlers: readonly ResolvedHandler[],
  maxRecordsPerPartition: number,
  findings: Finding[],
): Promise<void> {
  const existing = await view.topics()
  const names = existing.map(({ name }) => name)
  const all = withFoundTopics(handlers, names)
  findings.push(
    examineTopics(all, existing),
    ...examinePatterns(all, names),
    ...examineConcurrency(all, existing, maxRecordsPerPartition),
  )
}

/** What fails is a finding, and not the end: the next thing may be wrong too. */
async function attempt<T>(what: string, findings: Finding[], look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look()
  } catch (thrown) {
    findings.push(found(what, thrown))
    return undefined
  }
}

function found(what: string, thrown: unknown): Finding {
  const { code } = thrown as { readonly code?: unknown }
  const isOurs = typeof code === 'string' && code.startsWith('PYR_')
  const next = isOurs ? `pyrallel docs ${code}` : 'Run it again with DEBUG=1.'
  // Whoever has asked, what is to be corrected is the config.
  return { what: code === 'PYR_CONFIG_INVALID' ? 'config' : what, state: 'ill', detail: toError(thrown).message, next }
}

function text({ what, state, detail, next }: Finding, paint: Paint): string {
  const sign = {
    well: paint('green', '✓'),
    warning: paint('yellow', '!'),
    ill: paint('red', '✗'),
    skipped: paint('gray', '-'),
  }[state]
  const step = next === undefined ? '' : `    ${paint('bold', 'Next:')} ${harmlessLines(next, '    ')}\n`
  return `${sign} ${paint('bold', what)}  ${harmlessLines(detail, '    ')}\n${step}`
}
