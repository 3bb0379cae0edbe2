/** Builders of records and events for tests of what the command shows and counts. */
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import type { KafkaRecord } from '../../../framework/model/record.ts'
import type { HandlerFailure } from '../../../framework/model/work.ts'

type OfKind<K extends RuntimeEvent['kind']> = Extract<RuntimeEvent, { readonly kind: K }>

export function aRecord(of: Partial<KafkaRecord> = {}): KafkaRecord {
  return {
    topic: 'orders',
    partition: 2,
    offset: 18,
    key: Buffer.from('c1'),
    value: null,
    headers: [],
    timestamp: 0,
    ...of,
  }
}

export const aFailure: HandlerFailure = { reason: 'handler', name: 'Error', message: 'gateway busy', retryable: true }

export function done(of: Partial<OfKind<'record.done'>> = {}): OfKind<'record.done'> {
  return {
    kind: 'record.done',
    handlerId: 'charge',
    record: aRecord(),
    attempt: 1,
    durationMs: 12,
    filtered: false,
    ...of,
  }
}

export function retried(of: Partial<OfKind<'record.retry'>> = {}): OfKind<'record.retry'> {
  const retry = { attempt: 1, attempts: 5, delayMs: 400, durationMs: 3, failure: aFailure }
  return { kind: 'record.retry', handlerId: 'charge', record: aRecord(), ...retry, ...of }
}

export function parked(of: Partial<OfKind<'record.parked'>> = {}): OfKind<'record.parked'> {
  const park = { attempt: 5, attempts: 5, isAlone: false, durationMs: 3, failure: aFailure }
  return { kind: 'record.parked', handlerId: 'charge', record: aRecord(), ...park, ...of }
}

export function dead(of: Partial<OfKind<'record.dead'>> = {}): OfKind<'record.dead'> {
  const death = { attempt: 5, durationMs: 3, failure: aFailure, deadLetterTopic: 'orders.billing.dlq' }
  return { kind: 'record.dead', handlerId: 'charge', record: aRecord(), ...death, ...of }
}
