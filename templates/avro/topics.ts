// The truth about the types of all topics. What a payment is, `pyrallel schemas pull` has written into generated/registry.
import { avro, topic } from 'pyrallel'
import { type Payment, paymentsValue } from './generated/registry/payments-value.ts'

/** `key` decides which payments keep their order: those of one account. */
const ofAccount = { format: avro(paymentsValue), key: (payment: Payment) => payment.account }

export const payments = topic('payments', ofAccount)

export const flagged = topic('payments.flagged', ofAccount)
