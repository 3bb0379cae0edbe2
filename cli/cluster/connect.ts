/** Connects a verb to the cluster that is meant: that of --brokers, of a running `pyrallel dev`, or of the config. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ResolvedConfig } from '../../framework/config/config.ts'
import { resolveConfig } from '../../framework/config/resolve-config.ts'
import {
  connectionSettings,
  connectKafka,
  type KafkaConnectionOptions,
} from '../../framework/kafka/clients/connect-kafka.ts'
import type { ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import { createLogger } from '../../framework/observability/logger.ts'
import { readEnvironment } from '../project/environment.ts'
import { configFile, loadProject, type Project } from '../project/project.ts'
import type { Io } from '../terminal/io.ts'
import { logOutput } from '../terminal/log-output.ts'
import { isAlive, readDevFile } from './dev-file.ts'
import { chooseTarget, type Target } from './target.ts'

/** How a cluster is reached; replaced in tests. */
export type Connect = (target: Target, project: Project | undefined, io: Io) => Promise<ViewedConnection>

export interface ChosenCluster {
  readonly target: Target
  /** `undefined` outside of a project. */
  readonly project: Project | undefined
}

/** @throws PyrallelError PYR_USAGE when there is no cluster that could be reached; PYR_CONFIG_LOAD, PYR_CONFIG_INVALID */
export async function chooseCluster(brokers: string | undefined, io: Io): Promise<ChosenCluster> {
  const root = io.cwd()
  const project = existsSync(join(root, configFile)) ? await loadProject(root) : undefined
  const target = chooseTarget({ flag: brokers, dev: readDevFile(root), isAlive, project })
  return { target, project }
}

export const connectCluster: Connect = async (target, project, io) => {
  const settings = project?.config.logging ?? { level: 'warn', pretty: 'auto' }
  // What came of it is told by the verb; the client's own lines would only be in the way.
  const log = createLogger(
    { ...settings, level: settings.level === 'debug' ? 'debug' : 'error' },
    logOutput(io.stderr, io.env),
  )
  return connectKafka({ ...connectionOptions(target, project, io), log })
}

/** As `start` connects to that cluster, and as `dev` does to its own: what is true for a verb must be true for them. */
export function connectionOptions(
  target: Target,
  project: Project | undefined,
  io: Pick<Io, 'cwd' | 'env'>,
): Omit<KafkaConnectionOptions, 'log'> {
  const { brokers, isEmbedded, ifUnreachable } = target
  const kafka = project?.config.kafka ?? kafkaWithoutProject(io)
  if (isEmbedded) {
    const { client, clientId } = kafka
    return { brokers, clientId, ifUnreachable, client, groupProtocol: 'consumer', createTopicsBy: 'metadata' }
  }
  return { ...connectionSettings(kafka), brokers, ifUnreachable }
}

/** Variables count as they do in a project. The group is nobody's: verbs have groups of their own. */
function kafkaWithoutProject({ cwd, env }: Pick<Io, 'cwd' | 'env'>): ResolvedConfig['kafka'] {
  return resolveConfig({ group: 'none' }, 'the environment', readEnvironment(cwd(), env, 'development')).kafka
}
