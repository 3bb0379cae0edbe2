/** Connects to Kafka through @confluentinc/kafka-javascript. The only file that loads that library, and only when it is called. */

import { securityGaps } from '../../config/security-options.ts'
import { PyrallelError, toError } from '../../model/errors.ts'
import type { SecuritySettings } from '../../model/settings.ts'
import { systemClock } from '../../time/clock.ts'
import type { ViewedConnection } from '../kafka-client.ts'
import { connectionRisks } from '../plaintext-risks.ts'
import { contradictions } from '../wire-properties.ts'
import type { Librdkafka } from './binding.ts'
import { LibrdkafkaConnection } from './connection.ts'
import { type KafkaConnectionOptions, refuseOwnedProperties } from './settings.ts'

/** Loads the library's module. Replaced in tests, to see what happens where it cannot be loaded. */
export type LibrdkafkaLoader = () => Promise<unknown>

const importLibrdkafka: LibrdkafkaLoader = async () => (await import('@confluentinc/kafka-javascript')).default

/** @throws PyrallelError PYR_NATIVE_MISSING, saying why and what to run */
export async function loadLibrdkafka(load: LibrdkafkaLoader = importLibrdkafka): Promise<Librdkafka> {
  try {
    return (await load()) as Librdkafka
  } catch (thrown) {
    const [why] = toError(thrown).message.split('\n')
    throw new PyrallelError(
      'PYR_NATIVE_MISSING',
      `The native Kafka client (@confluentinc/kafka-javascript) cannot be loaded: ${why}. ` +
        "In Pyrallel's own repository run `npm run setup`. Elsewhere install the headers it is built from " +
        '(Debian: zlib1g-dev libssl-dev libzstd-dev libcurl4-openssl-dev libsasl2-dev), then run ' +
        '`CKJS_LINKING=dynamic npm install`.',
      { cause: thrown },
    )
  }
}

/**
 * Loads the library and checks the options. Asks no broker: that is what `check` is for.
 * @throws PyrallelError PYR_NATIVE_MISSING, PYR_CONFIG_INVALID
 */
export async function connectLibrdkafka(
  options: KafkaConnectionOptions,
  load: LibrdkafkaLoader = importLibrdkafka,
): Promise<ViewedConnection> {
  refuseOwnedProperties(options.librdkafka ?? {}, options.security)
  refuseGaps(options.security)
  refuseContradictions(options)
  tellRisks(options)
  return new LibrdkafkaConnection(await loadLibrdkafka(load), options, options.clock ?? systemClock())
}

function refuseGaps(security: SecuritySettings | undefined): void {
  const gaps = security === undefined ? [] : securityGaps(security)
  if (gaps.length === 0) return
  throw new PyrallelError('PYR_CONFIG_INVALID', gaps.map((gap) => `option kafka.security.${gap}`).join('\n'))
}

function refuseContradictions(options: KafkaConnectionOptions): void {
  const found = contradictions(options, options.librdkafka ?? {})
  if (found.length === 0) return
  const lines = found.map(
    ({ property, name, own, other }) =>
      `option kafka.librdkafka['${name}'] is ${other}, but ${property.option} says ${own}. Take it out.`,
  )
  throw new PyrallelError('PYR_CONFIG_INVALID', lines.join('\n'))
}

function tellRisks({ brokers, security, librdkafka = {}, log }: KafkaConnectionOptions): void {
  const { refused, warnings } = connectionRisks({ brokers, security, librdkafka })
  if (refused.length > 0 && security?.allowPlaintext !== true) {
    const lines = refused.map((each) => `option ${each}, or allow it by kafka.security.allowPlaintext: true.`)
    throw new PyrallelError('PYR_CONFIG_INVALID', lines.join('\n'))
  }
  for (const why of [...refused, ...warnings])
    log.warn({ why }, 'the connection to the brokers is not safe from others on the way')
}
