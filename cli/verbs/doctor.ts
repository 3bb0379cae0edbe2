/** `pyrallel doctor`: looks at everything that must be right, goes on after what is not, and says what to do. Changes nothing. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import { toError } from '../../framework/model/errors.ts'
import { harmlessLines } from '../../framework/model/plain-text.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import type { ResolvedHandler } from '../../framework/runtime/runtime.ts'
import { type ChosenCluster, type Connect, chooseCluster, connectNative } from '../cluster/connect.ts'
import { examineConcurrency, examineNode, examineTopics, type Finding } from '../cluster/diagnose.ts'
import { examineEnvFiles } from '../cluster/tracked-secrets.ts'
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
export async function doctor(options: DoctorOptions, io: Io, connect: Connect = connectNative): Promise<number> {
  const findings: Finding[] = [examineNode(process.versions.node), await examineNative()]
  const envFiles = examineEnvFiles(io.cwd())
  if (envFiles !== undefined) findings.push(envFiles)
  const chosen = await attempt('config', findings, () => chooseCluster(options.brokers, io))
  if (chosen?.project !== undefined) findings.push(...examineConfig(chosen.project))
  const handlers = await examineHandlers(chosen, findings, io)
  await examineCluster(chosen, handlers, findings, io, connect)
  const isIll = findings.some(({ state }) => state === 'ill')
  io.stdout.write(
    options.json === true
      ? `${jsonText({ findings, well: !isIll }, 2)}\n`
      : findings.map((finding) => text(finding, painter(hasColor(io.stdout, io.env)))).join(''),
  )
  return isIll ? exitCodes.failed : exitCodes.fine
}

function examineConfig({ config, warnings }: Project): readonly Finding[] {
  const next = 'See all that counts: pyrallel config'
  return [
    { what: 'config', state: 'well', detail: `${configFile}, group ${config.group}` },
    ...warnings.map((detail): Finding => ({ what: 'variables', state: 'warning', detail, next })),
  ]
}

async function examineNative(): Promise<Finding> {
  const { loadLibrdkafka } = await import('../../framework/kafka/librdkafka/client.ts')
  const what = 'native Kafka client'
  try {
    await loadLibrdkafka()
    return { what, state: 'well', detail: 'loads' }
  } catch (thrown) {
    return { what, state: 'ill', detail: toError(thrown).message, next: 'pyrallel docs PYR_NATIVE_MISSING' }
  }
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
    if (!existsSync(join(io.cwd(), configFile)))
      skipped('this folder is no project', 'Run it in the folder of a project to look at its handlers.')
    return undefined
  }
  const handlers = await attempt('handlers', findings, async () => {
    const routes = await loadRoutes(io.cwd())
    return routes === undefined ? [] : resolveHandlers(routes, config)
  })
  if (handlers?.length === 0) skipped('generated/ has none', 'Write one below handlers/, then: pyrallel generate')
  else if (handlers !== undefined)
    findings.push({ what: 'handlers', state: 'well', detail: handlers.map(({ route }) => route.handlerId).join(', ') })
  return handlers
}

async function examineCluster(
  chosen: ChosenCluster | undefined,
  handlers: readonly ResolvedHandler[] | undefined,
  findings: Finding[],
  io: Io,
  connect: Connect,
): Promise<void> {
  if (chosen === undefined) return
  const { target, project } = chosen
  await attempt('broker', findings, async () => {
    const connection = await connect(target, project, io)
    try {
      await connection.check(CHECK_TIMEOUT_MS)
      findings.push({ what: 'broker', state: 'well', detail: `${connection.description} (${target.from}) answers` })
      // As at a start, and no group is joined: settings that do not go together are refused here.
      if (project !== undefined) await examineConsumer(connection, project.config.group, findings)
      if (project !== undefined && handlers !== undefined && handlers.length > 0) {
        await examineWants(connection, handlers, project.config.limits.maxRecordsPerPartition, findings)
      }
    } finally {
      await connection.close()
    }
  })
}

async function examineConsumer(connection: ViewedConnection, group: string, findings: Finding[]): Promise<void> {
  await attempt('consumer', findings, async () => {
    const client = await connection.consumer({ group, startFrom: 'earliest' })
    await client.close()
  })
}

async function examineWants(
  { view }: ViewedConnection,
  handlers: readonly ResolvedHandler[],
  maxRecordsPerPartition: number,
  findings: Finding[],
): Promise<void> {
  const existing = await view.topics()
  findings.push(examineTopics(handlers, existing), ...examineConcurrency(handlers, existing, maxRecordsPerPartition))
}

/** What fails is a finding, and not the end: the next thing may be wrong too. */
async function attempt<T>(what: string, findings: Finding[], look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look()
  } catch (thrown) {
    const { code } = thrown as { readonly code?: unknown }
    const next =
      typeof code === 'string' && code.startsWith('PYR_') ? `pyrallel docs ${code}` : 'Run it again with DEBUG=1.'
    findings.push({ what, state: 'ill', detail: toError(thrown).message, next })
    return undefined
  }
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
