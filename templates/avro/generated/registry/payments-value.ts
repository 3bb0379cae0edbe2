// Made by `pyrallel schemas pull` (format 1). Do not edit: pull again.
// Subject "payments-value", version 1
import type { PulledSchema } from 'pyrallel'

export interface Payment {
  readonly id: bigint
  readonly account: string
  readonly amount: string
  readonly at: number
  readonly note: string | null
}

export const paymentsValue: PulledSchema<Payment> = {
  kind: 'pyrallel.schema',
  format: 'avro',
  subject: 'payments-value',
  id: 1,
  guid: null,
  fingerprint: 'aaee866e2b8682e717d5eca396474fb08c26ece806fc84323f4c3d0997f88ea9',
  text: '{"type":"record","name":"Payment","namespace":"payments","fields":[{"name":"id","type":"long"},{"name":"account","type":"string"},{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":18,"scale":2}},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"note","type":["null","string"],"default":null}]}',
}
