/** How KEDA scales: by what the processes say that they need, and from zero by lag. Pure. */

import { variableOf } from '../../framework/config/option-variables.ts'
import { isTopicName } from '../../framework/model/topic-pattern.ts'
import type { AppFacts } from './app-facts.ts'
import type { Credential } from './credentials.ts'
import { metadataOf, secretName } from './pod.ts'
import { allowFrom, MOST_PROCESSES, mostReplicas } from './scaling.ts'
import { noted, type Yaml, type YamlMap, yamlDocument } from './yaml.ts'

/** No backlog is so large: it never asks for more than one process. */
const LAG_OF_ONE_PROCESS = 1_000_000_000

export function kedaFiles(facts: AppFacts): Readonly<Record<string, string>> {
  const authentication = triggerAuthentication(facts)
  return {
    'scaled-object.yaml': scaledObject(facts),
    ...(authentication === undefined ? {} : { 'trigger-authentication.yaml': authentication }),
    'network-policy.yaml': allowFrom(facts, 'keda', 'keda'),
  }
}

function scaledObject(facts: AppFacts): string {
  return yamlDocument(
    'KEDA 2.20 or later. No `fallback`: with a minimum of 0 there is nobody to ask, which is no failure. A pod whose numbers cannot be read keeps the number of pods as it is.',
    {
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledObject',
      metadata: metadataOf(facts, facts.name, 'worker'),
      spec: {
        scaleTargetRef: { name: facts.name },
        pollingInterval: 15,
        cooldownPeriod: noted('How long nothing is left to do before the last pod goes.', 300),
        minReplicaCount: noted('1: nothing waits for a pod that starts.', 0),
        maxReplicaCount: mostReplicas(MOST_PROCESSES),
        advanced: {
          horizontalPodAutoscalerConfig: {
            behavior: {
              scaleDown: noted('While partitions move, a sum is too low for seconds.', {
                stabilizationWindowSeconds: 300,
              }),
            },
          },
        },
        triggers: triggers(facts),
      },
    },
  )
}

function triggers(facts: AppFacts): readonly Yaml[] {
  return [
    noted(
      'How many: the sum of what the processes need. Work that waits for its own key is not in it, as more processes would not help.',
      {
        type: 'metrics-api',
        metricType: 'AverageValue',
        metadata: {
          targetValue: '1',
          valueLocation: 'processesNeeded',
          url: noted(
            'Service and namespace are read from this name, and then every pod is asked. The port is that of the pod.',
            `http://${facts.name}.${facts.namespace}:${facts.port}/scale`,
          ),
          aggregateFromKubeServiceEndpoints: 'true',
          aggregationType: noted('The default would be their average.', 'sum'),
        },
      },
    ),
    ...wakingTriggers(facts),
  ]
}

/**
 * One for each topic of a group: without a topic, KEDA knows only those of which the group has committed something. Which topics a pattern matches, nobody can write
 * down: a group that has one gets a trigger without a topic, too.
 */
function wakingTriggers(facts: AppFacts): readonly Yaml[] {
  const read = new Map(
    facts.handlers.map(({ group, topic }) => {
      const named = isTopicName(topic) ? topic : undefined
      return [`${group} ${named ?? ''}`, { group, topic: named }] as const
    }),
  )
  return [...read.values()].map(({ group, topic }, index) => {
    const trigger: YamlMap = {
      type: 'kafka',
      metadata: {
        bootstrapServersFromEnv: variableOf('kafka.brokers'),
        consumerGroup: group,
        ...(topic === undefined ? {} : { topic }),
        offsetResetPolicy: facts.startFrom,
        lagThreshold: String(LAG_OF_ONE_PROCESS),
        activationLagThreshold: '0',
        ...securityMetadata(facts),
      },
      ...(triggerAuthentication(facts) === undefined ? {} : { authenticationRef: { name: secretName(facts) } }),
    }
    return index > 0
      ? trigger
      : noted(
          'Whether at all: any lag wakes the first process. No lag is large enough for more than that one.',
          trigger,
        )
  })
}

const mechanisms = {
  PLAIN: 'plaintext',
  'SCRAM-SHA-256': 'scram_sha256',
  'SCRAM-SHA-512': 'scram_sha512',
  OAUTHBEARER: 'oauthbearer',
} as const

function securityMetadata({ credentials }: AppFacts): YamlMap {
  const { tls, mechanism, scope, bundled } = credentials
  const enabled = bundled.length === 0 ? 'enable' : noted(bundledNote(bundled), 'enable')
  return {
    tls: tls ? enabled : undefined,
    sasl: mechanism === undefined ? undefined : mechanisms[mechanism],
    scopes: mechanism === 'OAUTHBEARER' ? scope?.split(/\s+/).join(',') : undefined,
  }
}

function bundledNote(options: readonly string[]): string {
  const names = options.join(' and ')
  return `The config has ${names} as text, in the bundle: KEDA must get the same, as ${names} of the TriggerAuthentication.`
}

/** By option: what KEDA calls it. */
const parameters: Readonly<Record<string, string>> = {
  ca: 'ca',
  cert: 'cert',
  key: 'key',
  keyPassphrase: 'keyPassword',
  'sasl.username': 'username',
  'sasl.password': 'password',
  'sasl.clientId': 'username',
  'sasl.clientSecret': 'password',
  'sasl.tokenEndpoint': 'oauthTokenEndpointUri',
}

/** `undefined`: the brokers ask for nothing. */
function triggerAuthentication(facts: AppFacts): string | undefined {
  const { secret, settings } = facts.credentials
  if (secret.length === 0) return undefined
  return yamlDocument('KEDA asks the brokers as the pods do, by the same Secret.', {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'TriggerAuthentication',
    metadata: metadataOf(facts, secretName(facts), 'worker'),
    spec: {
      env:
        settings.length === 0
          ? undefined
          : settings.map((each) => ({ parameter: parameterOf(each), name: each.key, containerName: 'app' })),
      secretTargetRef: secret.map((each) => ({ parameter: parameterOf(each), name: secretName(facts), key: each.key })),
    },
  })
}

function parameterOf({ option }: Pick<Credential, 'option'>): string {
  return parameters[option.replace('kafka.security.', '')] ?? option
}
