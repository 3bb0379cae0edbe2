/** Decides which cluster `send` talks to: the flag, else a running `pyrallel dev` in this folder, else the config. */
import { isLoopback } from '../../framework/kafka/plaintext-risks.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import type { Project } from '../project/project.ts'
import type { DevProcess } from './dev-file.ts'

export interface Target {
  readonly brokers: string
  /** Where the address was found, for the messages: `--brokers`, the running `pyrallel dev`, or the place of kafka.brokers. */
  readonly from: string
  /** What to do when nobody answers there. */
  readonly ifUnreachable: string
  /** The embedded broker, which the config's TLS and SASL settings are not meant for. */
  readonly isEmbedded: boolean
}

export interface TargetChoice {
  readonly flag: string | undefined
  readonly dev: DevProcess | undefined
  readonly isAlive: (pid: number) => boolean
  readonly project: Pick<Project, 'config' | 'places'> | undefined
}

const startDev = 'Start `pyrallel dev` in another terminal'
const nameOne = '--brokers host:port'

/** @throws PyrallelError PYR_USAGE when there is no cluster that could be reached */
export function chooseTarget({ flag, dev, isAlive, project }: TargetChoice): Target {
  if (flag !== undefined) {
    const ifUnreachable = `Start one there, or name another: ${nameOne}.`
    return { brokers: flag, from: '--brokers', ifUnreachable, isEmbedded: false }
  }
  if (dev !== undefined && isAlive(dev.pid)) return ofDev(dev, project)
  const dead = dev === undefined ? '' : ` .pyrallel/dev.json names process ${dev.pid}, which is not running any more.`
  if (project !== undefined) {
    const from = project.places.get('kafka.brokers') ?? 'the default of kafka.brokers'
    const ifUnreachable = `The address is that of ${from}, as no \`pyrallel dev\` runs in this folder.${dead} ${startDev}, or start a broker there, or name another: ${nameOne}.`
    return { brokers: project.config.kafka.brokers.join(','), from, ifUnreachable, isEmbedded: false }
  }
  throw new PyrallelError(
    'PYR_USAGE',
    `There is no cluster to send to: no running \`pyrallel dev\` in this folder and no pyrallel.config.ts.${dead} ${startDev}, or name a cluster: ${nameOne}.`,
  )
}

function ofDev({ pid, kind, brokers }: DevProcess, project: TargetChoice['project']): Target {
  if (kind === 'memory') {
    throw new PyrallelError(
      'PYR_USAGE',
      `\`pyrallel dev\` (pid ${pid}) runs on the in-memory broker, which no other process can reach; its first lines say why. Press [s] there to send a record, or name a cluster: ${nameOne}.`,
    )
  }
  // The file lies in the folder: whoever can bring one there could have records, and the config's password, sent to himself.
  const own = project?.config.kafka.brokers ?? []
  const isExpected = (broker: string) => isLoopback(broker) || (kind === 'cluster' && own.includes(broker.trim()))
  if (!brokers.split(',').every(isExpected)) {
    throw new PyrallelError(
      'PYR_USAGE',
      `.pyrallel/dev.json names ${brokers}, which is neither at a loopback address nor among kafka.brokers. If \`pyrallel dev\` (pid ${pid}) was started with it, name it here too: ${nameOne}. If not, delete the file.`,
    )
  }
  const ifUnreachable = `The address is that of \`pyrallel dev\` (pid ${pid}): look at what it says, or start it again.`
  return { brokers, from: 'the running `pyrallel dev`', ifUnreachable, isEmbedded: kind === 'embedded' }
}
