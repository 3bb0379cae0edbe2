/** What keeps the pods running: a Deployment, or a StatefulSet whose pods keep their names. Pure. */
import type { AppFacts } from './app-facts.ts'
import { metadataOf, podTemplate, selectorOf } from './pod.ts'
import { noted, yamlDocument } from './yaml.ts'

export function deployment(facts: AppFacts): string {
  return yamlDocument(
    'The members of the group. How many there are is not said here, so that no apply undoes what scales them.',
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: metadataOf(facts, facts.name, 'worker'),
      spec: {
        selector: { matchLabels: selectorOf(facts, 'worker') },
        strategy: noted(
          'One after the other, and none more than there are: each that comes or goes moves partitions.',
          { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
        ),
        template: podTemplate(facts, 'worker', false),
      },
    },
  )
}

const STATIC_MEMBERS = 2

export function statefulSet(facts: AppFacts): string {
  return yamlDocument(
    'A fixed number of members with static names: one that is restarted within kafka.sessionTimeout gets its partitions back, and the others notice nothing. With fewer replicas, the partitions of the last ones are idle for that time.',
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: metadataOf(facts, facts.name, 'worker'),
      spec: {
        serviceName: facts.name,
        replicas: noted('A number to begin with; at most as many as the topic has partitions.', STATIC_MEMBERS),
        podManagementPolicy: noted('They do not depend on each other.', 'Parallel'),
        selector: { matchLabels: selectorOf(facts, 'worker') },
        template: podTemplate(facts, 'worker', true),
      },
    },
  )
}
