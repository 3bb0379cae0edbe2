/** `pyrallel topics`: what the handlers need and the cluster has. Creates what is missing when told to; never changes what is there. */
import { Closers } from '../../framework/model/closers.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import { plural } from '../../framework/model/plural.ts'
import { withFoundTopics } from '../../framework/runtime/found-topics.ts'
import { resolveHandlers } from '../../framework/runtime/resolve-handlers.ts'
import { type Connect, chooseCluster, connectCluster } from '../cluster/connect.ts'
import {
  type PlannedPattern,
  type PlannedTopic,
  planPatterns,
  planTopics,
  wantedTopics,
} from '../cluster/wanted-topics.ts'
import { topicsOf } from '../project/declared-topics.ts'
import { type ExplainedFormats, explainFormats, formatsText } from '../project/explain-formats.ts'
import { configFile, loadRoutes, routesFile } from '../project/project.ts'
import { exitCodes } from '../terminal/failure.ts'
import { hasColor, type Io } from '../terminal/io.ts'
import { jsonText } from '../terminal/json-text.ts'
import { painter } from '../terminal/paint.ts'
import { table } from '../terminal/table.ts'

export interface TopicsOptions {
  readonly create?: boolean
  /** Of topics that are created. */
  readonly partitions: number
  readonly brokers?: string
  readonly json?: boolean
}

const CHECK_TIMEOUT_MS = 5_000

export async function topics(options: TopicsOptions, io: Io, connect: Connect = connectCluster): Promise<number> {
  const { target, project } = await chooseCluster(options.brokers, io)
  if (project === undefined) {
    const facts = `What is wanted stands in ${configFile}, which is not in this folder.`
    throw new PyrallelError('PYR_USAGE', `${facts} Run the command in your project's folder.`)
  }
  const routes = await loadRoutes(io.cwd())
  if (routes === undefined) {
    const facts = `What is wanted stands in ${routesFile}, which has not been generated yet.`
    throw new PyrallelError('PYR_USAGE', `${facts} Run \`pyrallel generate\` first.`)
  }
  const own = resolveHandlers(routes, project.config)
  const connection = await connect(target, project, io)
  return new Closers().around(async (closers) => {
    closers.add('the connection', () => connection.close())
    await connection.check(CHECK_TIMEOUT_MS)
    const existing = await connection.view.topics()
    const names = existing.map(({ name }) => name)
    const handlers = withFoundTopics(own, names)
    const planned = planTopics(wantedTopics(handlers), existing)
    const missing = planned.filter(({ partitions }) => partitions === undefined).map(({ name }) => name)
    if (options.create === true) await connection.createTopics(missing, options.partitions)
    const formats = explainFormats(topicsOf(handlers))
    report({ planned, patterns: planPatterns(handlers), formats, broker: connection.description }, options, io)
    return missing.length === 0 || options.create === true ? exitCodes.fine : exitCodes.drift
  })
}

interface Plan {
  readonly planned: readonly PlannedTopic[]
  readonly patterns: readonly PlannedPattern[]
  /** Also of topics that no handler reads. */
  readonly formats: readonly ExplainedFormats[]
  readonly broker: string
}

function report({ planned, patterns, formats, broker }: Plan, options: TopicsOptions, io: Io): void {
  const { create = false, partitions: count } = options
  if (options.json === true) {
    const rows = planned.map(({ name, reasons, partitions }) => ({
      name,
      partitions: partitions ?? (create ? count : null),
      action: partitions !== undefined ? 'none' : create ? 'created' : 'create',
      reasons,
    }))
    const more = {
      ...(patterns.length === 0 ? {} : { patterns }),
      ...(formats.length === 0 ? {} : { formats }),
    }
    io.stdout.write(`${jsonText({ broker, topics: rows, ...more }, 2)}\n`)
    return
  }
  const paint = painter(hasColor(io.stdout, io.env))
  const rows = planned.map(({ name, reasons, partitions }) => {
    const isThere = partitions !== undefined
    const sign = isThere ? paint('green', '✓') : create ? paint('green', '+') : paint('yellow', '+')
    const size = isThere
      ? plural(partitions, 'partition')
      : `${create ? 'created with' : 'to be created with'} ${count}`
    return [`${sign} ${name}`, size, reasons.join(', ')]
  })
  io.stdout.write(`${broker}\n${table(rows)}`)
  for (const { handler, pattern, topics: found } of patterns) {
    if (found.length === 0) io.stdout.write(`${pattern} of ${handler} matches no topic yet.\n`)
  }
  for (const each of formats) io.stdout.write(`${each.topic}: ${formatsText(each)}\n`)
  const missing = planned.filter(({ partitions }) => partitions === undefined).length
  if (missing > 0 && !create) io.stdout.write(`${missing} missing. Create: pyrallel topics --create\n`)
}
