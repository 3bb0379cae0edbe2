/** Which of librdkafka's properties are not the user's to set, and what to use instead. The config asks it before there is a client. Pure. */
import type { SecuritySettings } from '../model/settings.ts'

/** librdkafka properties that a user must not set, and what to use instead. */
export const ownedProperties: Readonly<Record<string, string>> = {
  'bootstrap.servers': 'use kafka.brokers',
  'metadata.broker.list': 'use kafka.brokers',
  'client.id': 'use kafka.clientId',
  'group.id': 'use group',
  'group.instance.id': 'use instanceId',
  'group.protocol': 'use groupProtocol',
  'session.timeout.ms': 'use kafka.sessionTimeout',
  'auto.offset.reset': 'use startFrom',
  'enable.auto.commit': 'Pyrallel decides what is committed',
  'auto.commit.enable': 'Pyrallel decides what is committed',
  'enable.auto.offset.store': 'Pyrallel decides what is committed',
  'enable.idempotence': 'it is always on',
  'enable.partition.eof': 'it is always off',
  acks: 'it is always all',
  'request.required.acks': 'it is always all',
  partitioner: 'it is always murmur2_random, as in the Java client',
  'transactional.id': 'use commit.exactlyOnce, which names it',
  rebalance_cb: 'Pyrallel answers rebalances',
  offset_commit_cb: 'Pyrallel listens to it',
  dr_cb: 'Pyrallel listens to it',
  dr_msg_cb: 'Pyrallel listens to it',
  event_cb: 'Pyrallel listens to it',
  'test.mock.num.brokers': 'use the embedded broker',
}

/** What a user must do instead of setting this property; undefined when it is the user's to set. */
export function insteadOf(key: string, security: SecuritySettings | undefined): string | undefined {
  if (Object.hasOwn(ownedProperties, key)) return ownedProperties[key]
  return security !== undefined && isSecured(security) && isSecurityProperty(key) ? 'use kafka.security' : undefined
}

/** Whether anything of it is used; if so, the passthrough must not speak of TLS and SASL too. */
export function isSecured({ tls, sasl }: SecuritySettings): boolean {
  return tls || sasl.mechanism !== undefined
}

/** Properties of TLS that `kafka.security` has no option for: they go beside it. */
const besideSecurity: ReadonlySet<string> = new Set([
  'ssl.crl.location',
  'ssl.cipher.suites',
  'ssl.curves.list',
  'ssl.sigalgs.list',
  'https.ca.location',
  'https.ca.pem',
])

/** librdkafka's properties that `kafka.security` stands for. */
export function isSecurityProperty(key: string): boolean {
  if (besideSecurity.has(key)) return false
  return /^(security\.protocol|enable\.ssl|enable\.sasl|ssl[._]|sasl\.|https\.ca\.|oauthbearer_)/.test(key)
}
