/** Plain data and its comments as YAML: the same text for the same data. Pure. */
import { harmlessJson } from '../../framework/model/plain-text.ts'
import { wrap } from '../terminal/wrap.ts'

type Scalar = string | number | boolean
export type Yaml = Scalar | readonly Yaml[] | YamlMap | Noted
/** What is `undefined` is left out. */
export interface YamlMap {
  readonly [key: string]: Yaml | undefined
}

const WIDTH = 100

/** A value with the comment that stands above it. */
export class Noted {
  readonly note: string
  readonly value: Yaml

  constructor(note: string, value: Yaml) {
    this.note = note
    this.value = value
  }
}

export function noted(note: string, value: Yaml): Noted {
  return new Noted(note, value)
}

/** One document: a comment above it, and a map. */
export function yamlDocument(note: string, map: YamlMap): string {
  return `${[...comment(note, ''), ...mapLines(map, '')].join('\n')}\n`
}

function mapLines(map: YamlMap, indent: string): readonly string[] {
  return Object.entries(map).flatMap(([key, value]) => (value === undefined ? [] : entryLines(key, value, indent)))
}

function entryLines(key: string, value: Yaml, indent: string): readonly string[] {
  if (value instanceof Noted) return [...comment(value.note, indent), ...entryLines(key, value.value, indent)]
  const name = `${indent}${scalar(key)}:`
  const inline = inlineText(value)
  if (inline !== undefined) return [`${name} ${inline}`]
  return [name, ...blockLines(value, `${indent}  `)]
}

/** Of what has lines of its own. */
function blockLines(value: Yaml, indent: string): readonly string[] {
  if (isList(value)) return value.flatMap((item) => itemLines(item, indent))
  return mapLines(value as YamlMap, indent)
}

function itemLines(item: Yaml, indent: string): readonly string[] {
  if (item instanceof Noted) return [...comment(item.note, indent), ...itemLines(item.value, indent)]
  const inline = inlineText(item)
  if (inline !== undefined) return [`${indent}- ${inline}`]
  const lines = blockLines(item, `${indent}  `)
  // A comment of the first entry stands above the dash.
  const first = lines.findIndex((line) => !line.trimStart().startsWith('#'))
  const notes = lines.slice(0, first).map((line) => `${indent}${line.trimStart()}`)
  const [head = '', ...rest] = lines.slice(first)
  return [...notes, `${indent}- ${head.slice(indent.length + 2)}`, ...rest]
}

/** `undefined` for what needs lines of its own. */
function inlineText(value: Yaml): string | undefined {
  if (value instanceof Noted) return undefined
  if (typeof value !== 'object') return scalar(value)
  if (isList(value)) return value.length === 0 ? '[]' : undefined
  return Object.values(value).every((each) => each === undefined) ? '{}' : undefined
}

function isList(value: Yaml): value is readonly Yaml[] {
  return Array.isArray(value)
}

const plain = /^[A-Za-z/][\w./-]*$/
/** What some reader of YAML, of version 1.1 too, takes for something else than a text. */
const reserved = /^(?:true|false|yes|no|on|off|null|y|n|nan|inf)$/i

/** A text in quotes, as JSON has it, is one in YAML too. */
function scalar(value: Scalar): string {
  if (typeof value !== 'string') return String(value)
  return plain.test(value) && !reserved.test(value) ? value : harmlessJson(JSON.stringify(value))
}

function comment(note: string, indent: string): readonly string[] {
  return note.split('\n').flatMap((paragraph) =>
    // A line that is a command is copied by people: it stays in one piece.
    paragraph.startsWith('  ') ? [`${indent}# ${paragraph}`] : wrap(paragraph, WIDTH, `${indent}# `).split('\n'),
  )
}
