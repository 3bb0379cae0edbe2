/** Takes secrets out of what is logged: by the names that hide values of the config, and by the look of a text. Bounded, and total: a line is written whatever it holds. */
import { pino } from 'pino'
import { isSecretName } from '../model/secret-names.ts'

const HIDDEN = '(hidden)'
/** Levels below the line's own fields. What is deeper is not shown: nobody has looked at it. */
const MAX_DEPTH = 8
/** Values in one line. A line with more of them says so, and shows these. */
const MAX_VALUES = 2_000
/** Names are looked at once; of those that come later, nothing is remembered. */
const MAX_NAMES = 1_000

const known = new Map<string, boolean>()

/** The same fields without what is secret; an object of its own where anything was taken out. */
export function withoutSecrets(fields: object): Record<string, unknown> {
  return new Hiding().fields(fields)
}

/** What no name tells: user and password in an address, and a bearer's token. For a line as it is written. */
export function withoutSecretTexts(line: string): string {
  let text = line
  if (text.includes('@')) text = text.replaceAll(/:\/\/[^\s/?#@"\\]+@/g, `://${HIDDEN}@`)
  if (/bearer /i.test(text)) text = text.replaceAll(/\b(bearer) +[\w.~+/=-]+/gi, `$1 ${HIDDEN}`)
  return text
}

class Hiding {
  readonly #above: object[] = []
  #left = MAX_VALUES

  fields(of: object): Record<string, unknown> {
    this.#above.push(of)
    const shown: Record<string, unknown> = {}
    for (const name of namesOf(of)) {
      if (this.#left <= 0) {
        define(shown, '…', 'more is not shown')
        break
      }
      define(shown, name, isSecret(name) ? HIDDEN : this.#value(read(of, name)))
    }
    this.#above.pop()
    return shown
  }

  #value(value: unknown): unknown {
    this.#left--
    if (typeof value !== 'object' || value === null) return value
    if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`
    if (this.#above.includes(value)) return '[Circular]'
    if (this.#above.length > MAX_DEPTH) return '(too deep)'
    if (Array.isArray(value)) return this.#list(value)
    // With its causes in message and stack, and what a library has put beside them: a request with its headers, say.
    if (value instanceof Error) return this.#fieldsOf(attempt(() => pino.stdSerializers.err(value)))
    const toJson = read(value, 'toJSON')
    if (typeof toJson !== 'function') return this.fields(value)
    const json = attempt(() => toJson.call(value) as unknown)
    return json === value ? this.fields(value) : this.#value(json)
  }

  #fieldsOf(value: unknown): unknown {
    return typeof value === 'object' && value !== null ? this.fields(value) : value
  }

  #list(list: readonly unknown[]): unknown[] {
    this.#above.push(list)
    const shown: unknown[] = []
    for (const each of list) {
      if (this.#left <= 0) {
        shown.push('…')
        break
      }
      shown.push(this.#value(each))
    }
    this.#above.pop()
    return shown
  }
}

function isSecret(name: string): boolean {
  const before = known.get(name)
  if (before !== undefined) return before
  const found = isSecretName(name)
  if (known.size < MAX_NAMES) known.set(name, found)
  return found
}

function namesOf(of: object): readonly string[] {
  const names = attempt(() => Object.keys(of))
  return Array.isArray(names) ? (names as string[]) : []
}

function read(of: object, name: string): unknown {
  return attempt(() => (of as Readonly<Record<string, unknown>>)[name])
}

/** Getters and proxies are the user's code. */
function attempt(look: () => unknown): unknown {
  try {
    return look()
  } catch {
    return '(cannot be read)'
  }
}

/** A property called `__proto__` is one like any other. */
function define(of: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(of, name, { value, enumerable: true })
  else of[name] = value
}
