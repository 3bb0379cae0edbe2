/** Records as they come, in the list of the page: the newest first, each once, and no more than somebody can look at. */
import type { LiveFilter, LiveFrame, LiveRow, LiveStatus } from '../../protocol-live.ts'
import { digits, rate } from './numbers.ts'

export interface LiveRecords {
  readonly rows: readonly LiveRow[]
  /** As the last frame says; 0 before there was one. */
  readonly every: number
  readonly rate: number
  /** Of the filter, that were told of by no frame. */
  readonly left: number
}

const mostRows = 100

export const noRecords: LiveRecords = { rows: [], every: 0, rate: 0, left: 0 }

/** Rows that are known already are told anew where they stand. */
export function withLive(before: LiveRecords, frame: LiveFrame): LiveRecords {
  const news = new Map(frame.rows.map((row) => [liveRowId(row), row]))
  const kept = before.rows.map((row) => {
    const id = liveRowId(row)
    const told = news.get(id)
    news.delete(id)
    return told ?? row
  })
  return {
    rows: [...[...news.values()].reverse(), ...kept].slice(0, mostRows),
    every: frame.every,
    rate: frame.rate,
    left: before.left + frame.left,
  }
}

export function liveRowId({ group, epoch, place }: LiveRow): string {
  return [group, epoch, place.topic, place.partition, place.offset].join(' ')
}

/** Whether all are shown, and if not, which. */
export function sampledText({ every, rate: arriving, left }: LiveRecords): string {
  if (every === 0) return 'Nothing has come yet that the filter lets through.'
  const which = every === 1 ? 'All of them are shown' : `One of ${digits(every)} is shown`
  const dropped = left === 0 ? '' : `; ${digits(left)} came too fast to be told`
  return `${rate(arriving)} arrive. ${which}${dropped}.`
}

export const liveStatusWords: { readonly [Status in LiveStatus]: string } = {
  queued: 'queued',
  running: 'running',
  waiting: 'waits for a retry',
  parked: 'parked',
  done: 'done',
  filtered: 'filtered out',
  dead: 'dead letter',
  left: 'left with its partition',
}

/** What the form has, as it is typed. */
export interface FilterForm {
  readonly topic: string
  readonly handlerId: string
  readonly status: LiveStatus | ''
  readonly key: string
  readonly isBase64: boolean
  /** `name`, or `name=value`. */
  readonly header: string
  readonly text: string
}

export const noFilter: FilterForm = {
  topic: '',
  handlerId: '',
  status: '',
  key: '',
  isBase64: false,
  header: '',
  text: '',
}

/** Fields that are empty are not part of it. */
export function filterOf(form: FilterForm): LiveFilter {
  const { topic, handlerId, status, key, isBase64, header, text } = form
  const [name = '', ...value] = header.split('=')
  return {
    ...(topic === '' ? {} : { topic }),
    ...(handlerId === '' ? {} : { handlerId }),
    ...(status === '' ? {} : { status }),
    ...(key === '' ? {} : isBase64 ? { keyBase64: key } : { key }),
    ...(name === '' ? {} : { header: { name, ...(value.length === 0 ? {} : { value: value.join('=') }) } }),
    ...(text === '' ? {} : { text }),
  }
}
