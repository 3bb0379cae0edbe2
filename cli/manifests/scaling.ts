/** What components have in common: how many processes at most, and who may ask the pods. Pure. */
import type { AppFacts } from './app-facts.ts'
import { metadataOf, selectorOf } from './pod.ts'
import { noted, yamlDocument } from './yaml.ts'

/** To begin with: how many partitions there are, no file says. */
export const MOST_PROCESSES = 10

export function mostReplicas(count: number) {
  return noted('Put the number of partitions here, of the topic that has most: members beyond that are idle.', count)
}

/** Beside that of the base: what one allows, no other takes away. */
export function allowFrom(facts: AppFacts, who: string, namespace: string): string {
  return yamlDocument(`Lets ${who} in, whose namespace is most often named so.`, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadataOf(facts, `${facts.name}-${who}`, 'worker'),
    spec: {
      podSelector: { matchLabels: selectorOf(facts, 'worker') },
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } }],
          ports: [{ port: 'http', protocol: 'TCP' }],
        },
      ],
    },
  })
}
