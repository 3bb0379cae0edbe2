/** Where in the project a failure was thrown, and what opens an editor there. Pure: it looks at no file. */
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { HandlerFailure } from '../model/work.ts'
import type { SourcePlace } from './protocol-records.ts'

type Link = (path: string, line: number, column: number) => string

const asPath =
  (scheme: string): Link =>
  (path, line, column) =>
    `${scheme}://file${encoded(path)}:${line}:${column}`
const asQuery =
  (scheme: string): Link =>
  (path, line, column) =>
    `${scheme}://open?file=${encodeURIComponent(path)}&line=${line}&column=${column}`

/** Editors that open a place by an address. No other scheme is ever made. */
export const editorLinks = {
  vscode: asPath('vscode'),
  vscodium: asPath('vscodium'),
  cursor: asPath('cursor'),
  windsurf: asPath('windsurf'),
  zed: asPath('zed'),
  idea: asQuery('idea'),
  webstorm: asQuery('webstorm'),
} as const
export type Editor = keyof typeof editorLinks

/** One frame of a stack: `at pay (/app/handlers/pay.ts:3:1)`, with or without a name. */
const frame = /^\s+at (?:.*\()?((?:file:\/\/)?\/[^()]*?|[A-Za-z]:\\[^()]*?)(?:\?[^:()]*)?:(\d{1,9}):(\d{1,9})\)?$/

export class FailurePlaces {
  readonly #root: string
  readonly #editor: Editor | null

  /** @param root the project's folder, absolute */
  constructor(root: string, editor: Editor | null) {
    this.#root = root
    this.#editor = editor
  }

  /** The first frame that lies below the root, and in no library. */
  of({ stack, message }: Pick<HandlerFailure, 'stack' | 'message'>): SourcePlace | null {
    if (stack === undefined) return null
    // What a message says looks like a frame when somebody wants that, and messages quote values.
    const told = stack.indexOf(message)
    for (const line of stack.slice(told < 0 ? 0 : told + message.length).split('\n')) {
      const place = this.#placeOf(line)
      if (place !== undefined) return place
    }
    return null
  }

  #placeOf(text: string): SourcePlace | undefined {
    const [, where, line = '', column = ''] = frame.exec(text) ?? []
    const path = where === undefined ? undefined : pathOf(where)
    if (path === undefined) return undefined
    const file = relative(this.#root, path)
    if (
      file === '' ||
      file.startsWith('..') ||
      isAbsolute(file) ||
      /(^|[\\/])(node_modules|\.pyrallel)[\\/]/.test(file)
    )
      return undefined
    const [at, behind] = [Number(line), Number(column)]
    const editorUrl = this.#editor === null ? null : editorLinks[this.#editor](path, at, behind)
    return { file: file.split(sep).join('/'), line: at, column: behind, editorUrl }
  }
}

function pathOf(where: string): string | undefined {
  try {
    return resolve(where.startsWith('file://') ? fileURLToPath(where) : where)
  } catch {
    return undefined
  }
}

function encoded(path: string): string {
  const segments = path.split(sep).map(encodeURIComponent).join('/')
  return segments.startsWith('/') ? segments : `/${segments}`
}
