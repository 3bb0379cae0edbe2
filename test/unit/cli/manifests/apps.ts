/** Apps for tests of manifests: what their config file says, and what is made of it. */
import type { ScannedHandler } from '../../../../cli/codegen/scan/scan-result.ts'
import { type AppFacts, type AppSources, appFacts } from '../../../../cli/manifests/app-facts.ts'
import type { PyrallelConfig } from '../../../../framework/config/config.ts'
import { traceConfig } from '../../../../framework/config/resolve-config.ts'

export function aHandler(topic: string, parts: Partial<ScannedHandler> = {}): ScannedHandler {
  return {
    ...{ id: `handle-${topic}`, file: `handlers/${topic}.ts`, topic, group: null, ordering: null, engine: 'async' },
    ...{ schema: { kind: 'none' }, publishes: [], deadLetter: { kind: 'default' }, threads: undefined },
    ...parts,
  }
}

export function factsOf(file: PyrallelConfig, parts: Partial<AppSources> = {}): AppFacts {
  const { config, places } = traceConfig(file, 'pyrallel.config.ts', { mode: 'production', env: {} })
  return appFacts({
    config,
    written: new Set(places.keys()),
    handlers: [aHandler('orders', { publishes: ['paid'] })],
    declaredGroup: file.group,
    client: config.kafka.client === 'javascript' ? 'javascript' : 'librdkafka',
    own: { name: '@acme/my-shop', version: '3.2.1' },
    namespace: 'default',
    image: undefined,
    ...parts,
  })
}

const group = 'shop'
const brokers = ['k1:9092', 'k2:9092']
const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
/** In config files that should not have them. */
export const secrets = ['hunter2-password', 'hunter2-client', 'hunter2-phrase', 'hunter2-key', 'hunter2-wire']

export const apps: Readonly<Record<string, AppFacts>> = {
  'nothing but a group': factsOf({ group }),
  'the client in JavaScript': factsOf({ group, kafka: { brokers, client: 'javascript' } }),
  'several groups': factsOf(
    { group, kafka: { brokers, startFrom: 'latest' }, limits: { maxRecords: 1_000 } },
    { handlers: [aHandler('orders'), aHandler('orders', { id: 'b', group: 'audit' }), aHandler('stock', { id: 'c' })] },
  ),
  threads: factsOf(
    { group, kafka: { brokers } },
    { handlers: [aHandler('a', { engine: 'worker', threads: 3 }), aHandler('b', { engine: 'worker' })] },
  ),
  'TLS by files': factsOf({
    ...{ group },
    kafka: { brokers, security: { tls: true, ca: 'ca.pem', cert: '/etc/cert.pem', key: '/etc/key.pem' } },
  }),
  'TLS by texts, and SCRAM': factsOf({
    ...{ group },
    kafka: { brokers, security: { tls: true, ca: pem, sasl: { mechanism: 'SCRAM-SHA-512', username: 'shop' } } },
  }),
  'secrets in the file': factsOf({
    ...{ group },
    kafka: {
      ...{ brokers, librdkafka: { 'ssl.crl.location': 'hunter2-wire' } },
      security: {
        ...{ tls: true, cert: pem, key: '-----BEGIN PRIVATE KEY-----\nhunter2-key\n', keyPassphrase: 'hunter2-phrase' },
        sasl: { mechanism: 'PLAIN', username: 'shop', password: 'hunter2-password' },
      },
    },
  }),
  'tokens, of which the file says nothing': factsOf({
    ...{ group },
    kafka: { brokers, security: { tls: true, sasl: { mechanism: 'OAUTHBEARER', scope: 'a b' } } },
  }),
  'tokens, of which the file says all': factsOf({
    ...{ group },
    kafka: {
      brokers,
      security: {
        tls: true,
        sasl: {
          ...{ mechanism: 'OAUTHBEARER', clientId: 'shop', clientSecret: 'hunter2-client' },
          tokenEndpoint: 'https://idp/token',
        },
      },
    },
  }),
  'static names': factsOf({ group, kafka: { brokers, instanceId: 'shop-0', rack: 'a' } }),
  'no metrics, any port': factsOf({ group, kafka: { brokers }, http: { metrics: false, port: 0 } }),
  'a long drain': factsOf({ group, kafka: { brokers }, shutdown: { drain: '2m' } }),
}
