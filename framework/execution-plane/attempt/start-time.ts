/** Reads from a record the time before which it must not start, as its handler's `notBefore` says. Knows no clock. */
import type { NotBefore } from '../../api/handler.ts'
import type { KafkaRecord } from '../../model/record.ts'
import { RecordBeforeDecoding } from './decoded-record.ts'

/** With its zone: without one, it would mean another moment on each machine. */
const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/
const digits = /^\d{1,16}$/
/** The last moment that a Date can hold. Milliseconds since the Unix epoch. */
const LAST_MOMENT = 8.64e15

/** For the control plane, as `DelaySettings` has it: never throws. */
export function startTimeBy(notBefore: NotBefore): (record: KafkaRecord) => number | string | undefined {
  if (typeof notBefore === 'function') return (record) => askFunction(notBefore, record)
  const { header } = notBefore
  return ({ headers }) => {
    const value = headers.findLast(([name]) => name === header)?.[1]
    return value === undefined ? undefined : (timeOf(value) ?? `its header ${header} is no time`)
  }
}

function timeOf(value: Buffer | null): number | undefined {
  if (value === null || value.length > 40) return undefined
  const text = value.toString('latin1')
  const at = digits.test(text) ? Number(text) : isoTime.test(text) ? Date.parse(text) : Number.NaN
  return isMoment(at) ? at : undefined
}

function askFunction(ask: Extract<NotBefore, (...args: never[]) => unknown>, record: KafkaRecord) {
  try {
    const told: unknown = ask(new RecordBeforeDecoding(record))
    if (told === undefined) return undefined
    const at = told instanceof Date ? told.getTime() : told
    return isMoment(at) ? at : 'notBefore returned no time'
  } catch (error) {
    return `notBefore threw ${errorText(error)}`
  }
}

function errorText(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : 'what is no error'
}

function isMoment(at: unknown): at is number {
  return typeof at === 'number' && Math.abs(at) <= LAST_MOMENT
}
