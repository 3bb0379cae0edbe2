/** Decides which cluster `send` talks to: the flag, else a running `pyrallel dev` in this folder, else the config. */
import type { ResolvedConfig } from '../../framework/config.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import type { DevProcess } from '../dev/dev-file.ts'

export interface Target {
  readonly brokers: string
  /** For the messages. */
  readonly from: '--brokers' | 'the running `pyrallel dev`' | 'pyrallel.config.ts'
  /** The embedded broker, which the config's TLS and SASL settings are not meant for. */
  readonly isEmbedded: boolean
}

export interface TargetChoice {
  readonly flag: string | undefined
  readonly dev: DevProcess | undefined
  readonly isAlive: (pid: number) => boolean
  readonly config: Pick<ResolvedConfig, 'kafka'> | undefined
}

/** @throws PyrallelError PYR_USAGE when there is no cluster that could be reached */
export function chooseTarget({ flag, dev, isAlive, config }: TargetChoice): Target {
  if (flag !== undefined) return { brokers: flag, from: '--brokers', isEmbedded: false }
  if (dev !== undefined && isAlive(dev.pid)) {
    if (dev.kind !== 'memory') {
      return { brokers: dev.brokers, from: 'the running `pyrallel dev`', isEmbedded: dev.kind === 'embedded' }
    }
    throw new PyrallelError(
      'PYR_USAGE',
      `\`pyrallel dev\` (pid ${dev.pid}) runs on the in-memory broker, which no other process can reach. Start it without --broker memory, or name a cluster: --brokers host:port.`,
    )
  }
  if (config !== undefined) {
    return { brokers: config.kafka.brokers.join(','), from: 'pyrallel.config.ts', isEmbedded: false }
  }
  const dead = dev === undefined ? '' : ` .pyrallel/dev.json names process ${dev.pid}, which is not running any more.`
  throw new PyrallelError(
    'PYR_USAGE',
    `There is no cluster to send to: no running \`pyrallel dev\` in this folder and no pyrallel.config.ts.${dead} Start \`pyrallel dev\` in another terminal, or name a cluster: --brokers host:port.`,
  )
}
