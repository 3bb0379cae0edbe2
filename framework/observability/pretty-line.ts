/** Turns one JSON log line into one line for people. Pure, and total: a line that is not JSON comes back as it is, but harmless. */
import { styleText } from 'node:util'
import { harmless, harmlessJson, harmlessLines } from '../model/plain-text.ts'

type Style = Parameters<typeof styleText>[0]

/** No line of ours begins so: what comes after a line break in a text cannot be taken for one. */
const INDENT = '    '

const levels: Readonly<Record<string, readonly [label: string, style: Style]>> = {
  debug: ['debug', 'gray'],
  info: ['info ', 'cyan'],
  warn: ['warn ', 'yellow'],
  error: ['error', 'red'],
}

/** `12:00:01 info  revoke grace is over  partition=orders:3 waitedMs=5000`, and a stack on lines of its own. */
export function prettyLine(line: string, color: boolean): string {
  const fields = parse(line)
  if (fields === undefined) return `${harmlessLines(line.replace(/\n$/, ''), INDENT)}\n`
  const { time, level, msg, err, ...facts } = fields
  const paint = (style: Style, text: string) => (color ? styleText(style, text, { validateStream: false }) : text)
  const [label, style] = levels[String(level)] ?? [harmless(String(level)), 'white']
  const shown = Object.entries(facts).map(([name, value]) => `${harmless(name)}=${text(value)}`)
  const parts = [paint('gray', clockTime(time)), paint(style, label), harmlessLines(String(msg ?? ''), INDENT)]
  if (shown.length > 0) parts.push(paint('gray', ` ${shown.join(' ')}`))
  const stack = errorText(err)
  return `${parts.join(' ')}\n${stack === undefined ? '' : `${paint('gray', INDENT + harmlessLines(stack, INDENT))}\n`}`
}

/** The local time of day, as the rest of a terminal shows it. */
function clockTime(time: unknown): string {
  const date = new Date(String(time))
  return Number.isNaN(date.getTime()) ? harmless(String(time)) : date.toTimeString().slice(0, 8)
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(line)
    return typeof parsed === 'object' && parsed !== null ? (parsed as Readonly<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}

function text(value: unknown): string {
  if (typeof value === 'string' && !/\s/.test(value) && harmless(value) === value) return value
  return harmlessJson(JSON.stringify(value))
}

function errorText(err: unknown): string | undefined {
  if (typeof err !== 'object' || err === null) return undefined
  const { stack, message } = err as { readonly stack?: unknown; readonly message?: unknown }
  if (typeof stack === 'string') return stack
  return typeof message === 'string' ? message : undefined
}
