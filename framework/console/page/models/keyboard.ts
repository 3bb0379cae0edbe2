/** The keys of the console. Which key means what stands here once: the page listens by this list, and `?` shows it. */
import type { ViewName } from './location.ts'

export type KeyAction =
  | { readonly kind: 'go'; readonly view: ViewName }
  | { readonly kind: 'next' | 'previous' | 'open' | 'close' | 'help' | 'theme' | 'copy' }

export interface KeyRow {
  readonly keys: string
  readonly says: string
  readonly action: KeyAction
}

export const keyRows: readonly KeyRow[] = [
  { keys: 'g o', says: 'overview: is it stuck, and where', action: { kind: 'go', view: 'overview' } },
  { keys: 'g a', says: 'all partitions', action: { kind: 'go', view: 'partitions' } },
  { keys: 'g k', says: 'keys', action: { kind: 'go', view: 'keys' } },
  { keys: 'g r', says: 'retries', action: { kind: 'go', view: 'retries' } },
  { keys: 'g l', says: 'records as they come', action: { kind: 'go', view: 'live' } },
  { keys: 'g h', says: 'history: the last hour as curves', action: { kind: 'go', view: 'history' } },
  { keys: 'g d', says: 'dead letters', action: { kind: 'go', view: 'dead-letters' } },
  { keys: 'g t', says: 'threads', action: { kind: 'go', view: 'threads' } },
  { keys: 'g p', says: 'topology', action: { kind: 'go', view: 'topology' } },
  { keys: 'g m', says: 'the group and its members', action: { kind: 'go', view: 'group' } },
  { keys: 'g i', says: 'instances: the other processes', action: { kind: 'go', view: 'instances' } },
  { keys: 'g s', says: 'send a record, in development', action: { kind: 'go', view: 'dev' } },
  { keys: 'Enter', says: 'open the row', action: { kind: 'open' } },
  { keys: 'j', says: 'next row', action: { kind: 'next' } },
  { keys: 'k', says: 'previous row', action: { kind: 'previous' } },
  { keys: 'c', says: 'copy what is shown as JSON', action: { kind: 'copy' } },
  { keys: 'd', says: 'dark, light, or as the system has it', action: { kind: 'theme' } },
  { keys: 'Escape', says: 'close, or back', action: { kind: 'close' } },
  { keys: '?', says: 'these keys', action: { kind: 'help' } },
]

/** What a key means after `before`, the key that came shortly before it; `wait`: it begins a pair. */
export function actionOf(key: string, before: string | undefined): KeyAction | 'wait' | undefined {
  const typed = before === undefined ? key : `${before} ${key}`
  const row = keyRows.find(({ keys }) => keys === typed)
  if (row !== undefined) return row.action
  return before === undefined && keyRows.some(({ keys }) => keys.startsWith(`${key} `)) ? 'wait' : undefined
}
