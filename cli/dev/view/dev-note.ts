/** What `pyrallel dev` has to say besides the records: reloads, restarts, mistakes, pauses; and the texts for it. Pure. */
import { harmless } from '../../../framework/model/plain-text.ts'
import type { GroupChange, RuntimeUpdate, SubscriptionChange } from '../../../framework/runtime/runtime.ts'
import type { Diagnostic } from '../../diagnostics/diagnostic.ts'
import { msText } from '../../records/record-text.ts'
import type { Paint } from '../../terminal/paint.ts'

export type DevNote =
  /** New code runs from now on. */
  | ({ readonly kind: 'reloaded'; readonly tookMs: number; readonly startFrom: string } & RuntimeUpdate)
  /** Everything was stopped and begun again, for these options. */
  | { readonly kind: 'restarted'; readonly options: readonly string[]; readonly tookMs: number }
  /** What ran before goes on. Only the first mistake is shown. */
  | { readonly kind: 'mistake'; readonly diagnostic: Diagnostic; readonly more: number; readonly isRunning: boolean }
  | { readonly kind: 'error'; readonly code: string; readonly message: string; readonly isRunning: boolean }
  /** The generator has something new to say of code that runs. */
  | { readonly kind: 'warned'; readonly diagnostic: Diagnostic }
  /** Something was written into config or environment that does not count. */
  | { readonly kind: 'advice'; readonly message: string }
  /** The mistake is corrected, and the code is the one that runs already. */
  | { readonly kind: 'corrected' }
  | { readonly kind: 'paused' | 'resumed'; readonly handlers: readonly string[] }
  /** From now on, changes on the disk are noticed. */
  | { readonly kind: 'watching' }
  /** The variables of `.env` files have changed: all modules were loaded anew. */
  | { readonly kind: 'variables' }

/** One or more lines, without time and indentation. */
export function noteText(note: DevNote, paint: Paint): readonly string[] {
  switch (note.kind) {
    case 'reloaded':
      return reloadedText(note, paint)
    case 'restarted':
      return [
        `${paint('green', '⟳')} restarted in ${msText(note.tookMs)}, as ${note.options.join(', ')} ${note.options.length === 1 ? 'has' : 'have'} changed`,
      ]
    case 'mistake':
      return mistakeText(note, paint)
    case 'error':
      return [
        `${paint('red', '✗')} ${paint('bold', note.code)}  ${runningText(note.isRunning)}`,
        ...note.message.split('\n').map((line) => `  ${harmless(line)}`),
      ]
    case 'warned':
      return warningText(note.diagnostic, paint)
    case 'advice':
      return [`${paint('yellow', '!')} ${note.message}`]
    case 'corrected':
      return [`${paint('green', '✓')} corrected: the code that runs is the code on the disk`]
    case 'paused':
      return [`${paint('yellow', '‖')} paused: nothing new starts, what is in flight is finished; p goes on`]
    case 'resumed':
      return [`${paint('green', '▸')} goes on`]
    case 'watching':
      return []
    case 'variables':
      return [`${paint('green', '⟳')} the variables of .env files have changed: all handlers are loaded anew`]
  }
}

function reloadedText(note: Extract<DevNote, { kind: 'reloaded' }>, paint: Paint): readonly string[] {
  const lines: string[] = []
  const { replaced, groups, tookMs, startFrom } = note
  if (replaced.length > 0) {
    const inFlight = replaced.reduce((sum, each) => sum + each.inFlight, 0)
    const old =
      inFlight === 0 ? '' : `, ${inFlight} in flight ${inFlight === 1 ? 'finishes' : 'finish'} on the old code`
    const names = replaced.map(({ handlerId }) => handlerId)
    lines.push(`${paint('green', '⟳')} reloaded ${paint('cyan', list(names))} (${msText(tookMs)})${old}`)
  }
  for (const group of groups) lines.push(...groupText(group, startFrom, paint))
  return lines
}

function groupText({ group, change, handlers }: GroupChange, startFrom: string, paint: Paint): readonly string[] {
  const sign = change === 'stopped' ? paint('yellow', '⟳') : paint('green', '⟳')
  const why = handlers.map((handler) => `    ${changeText(handler, group, startFrom)}`)
  return [`${sign} group ${group} ${change}; the other groups noticed nothing`, ...why]
}

function changeText({ handlerId, what, from, to }: SubscriptionChange, group: string, startFrom: string): string {
  switch (what) {
    case 'added':
      return `${handlerId} is new and reads ${to}`
    case 'removed':
      return `${handlerId} is gone; ${from} keeps its position`
    case 'topic':
      return `${handlerId}: topic ${from} → ${to}; where the group has no position there, it begins at the ${startFrom} record`
    case 'ordering':
      return `${handlerId}: ordering ${from} → ${to}`
    case 'group':
      return to === group
        ? `${handlerId}: group ${from} → ${to}, with offsets of its own; without any, it begins at the ${startFrom} record`
        : `${handlerId} has moved to group ${to}`
  }
}

function mistakeText(note: Extract<DevNote, { kind: 'mistake' }>, paint: Paint): readonly string[] {
  const { file, line, column, code, message, frame, fix } = note.diagnostic
  const more = note.more === 0 ? [] : [`and ${note.more} more: pyrallel generate shows all`]
  return [
    `${paint('red', '✗')} ${paint('bold', `${file}:${line}:${column} ${code}`)}  ${runningText(note.isRunning)}`,
    ...[...message.split('\n'), '', ...frame.split('\n'), '', `Fix: ${fix}`, ...more].map((text) =>
      `  ${text}`.trimEnd(),
    ),
  ]
}

function warningText({ file, line, column, code, message, fix }: Diagnostic, paint: Paint): readonly string[] {
  const place = `${paint('yellow', '!')} ${paint('bold', `${file}:${line}:${column} ${code}`)}`
  return [place, ...message.split('\n').map((text) => `  ${text}`), `  Fix: ${fix}`]
}

function runningText(isRunning: boolean): string {
  return isRunning ? 'the code before goes on' : 'nothing runs until this is corrected'
}

/** `a, b, c and 7 more` */
function list(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(', ')
  return names.length <= 3 ? shown : `${shown} and ${names.length - 3} more`
}
