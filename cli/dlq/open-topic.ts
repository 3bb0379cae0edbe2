/** Connects a verb to a dead-letter topic. */

import type { ViewedConnection } from '../../framework/kafka/kafka-client.ts'
import { Closers } from '../../framework/model/closers.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import { type Connect, chooseCluster } from '../cluster/connect.ts'
import type { Project } from '../project/project.ts'
import type { Io } from '../terminal/io.ts'

const CHECK_TIMEOUT_MS = 5_000

export interface ClusterOptions {
  readonly brokers?: string
  readonly json?: boolean
}

/** @throws PyrallelError PYR_TOPIC_UNKNOWN, and what a connection that fails throws */
export async function withTopic(
  topic: string,
  options: ClusterOptions,
  io: Io,
  connect: Connect,
  run: (connection: ViewedConnection, project: Project | undefined) => Promise<number>,
): Promise<number> {
  const { target, project } = await chooseCluster(options.brokers, io)
  const connection = await connect(target, project, io)
  return new Closers().around(async (closers) => {
    closers.add('the connection', () => connection.close())
    await connection.check(CHECK_TIMEOUT_MS)
    if ((await connection.missingTopics([topic])).length > 0) {
      const message = `There is no topic '${topic}' at ${connection.description}. A handler's dead-letter topic is <topic>.<group>.dlq unless it names another.`
      throw new PyrallelError('PYR_TOPIC_UNKNOWN', message)
    }
    return run(connection, project)
  })
}
