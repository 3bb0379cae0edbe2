/** Names and comments of types that are written from somebody else's schema. Pure. */
import { harmless } from '../../framework/model/plain-text.ts'

/** What cannot be the name of a type in a module, or is used in it as something else. */
const taken: ReadonlySet<string> = new Set([
  ...['any', 'bigint', 'boolean', 'never', 'null', 'number', 'object', 'string', 'symbol', 'undefined', 'unknown'],
  ...['void', 'PulledSchema', 'Readonly', 'Record', 'Uint8Array'],
])
const reserved: ReadonlySet<string> = new Set(
  `arguments await break case catch class const continue debugger default delete do else enum eval export extends false
  finally for function if implements import in instanceof interface let new null package private protected public return
  static super switch this throw true try type typeof undefined var void while with yield`.split(/\s+/),
)

/** Gives each full name one of TypeScript: the last part where no other ends so, else all of it. */
export class TypeNames {
  readonly #names = new Map<string, string>()
  readonly #used = new Set<string>()

  /**
   * @param fullNames `shop.Order`, each once
   * @param others what the module declares beside them
   */
  constructor(fullNames: readonly string[], others: readonly string[] = []) {
    for (const name of others) this.#used.add(name)
    const short = (name: string) => name.slice(name.lastIndexOf('.') + 1)
    for (const name of fullNames) {
      const isAlone = fullNames.every((other) => other === name || short(other) !== short(name))
      this.#names.set(name, this.free(isAlone ? short(name) : pascal(name)))
    }
  }

  of(fullName: string): string {
    return this.#names.get(fullName) ?? fullName
  }

  /** The name, or with a number behind it where that is taken. */
  free(name: string): string {
    let free = name
    for (let number = 2; this.#used.has(free) || taken.has(free) || reserved.has(free); number++) free = name + number
    this.#used.add(free)
    return free
  }
}

/** `orders-value` is `ordersValue`; always a name that a constant can have. */
export function constantName(subject: string): string {
  const name = pascal(subject)
  const small = name.charAt(0).toLowerCase() + name.slice(1)
  return reserved.has(small) ? `${small}Schema` : small
}

/** `orders-value` is `OrdersValue`. */
export function pascal(text: string): string {
  const words = text.split(/[^A-Za-z0-9_]+/).filter((word) => word !== '')
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  return /^[A-Za-z_]/.test(name) ? name : `_${name}`
}

/**
 * With the end of its line; empty where there is nothing to say. What looks like a tag in somebody's text is none: the generator would read it.
 * @param tags each in a line of its own
 */
export function commentText(text: string | null, tags: readonly string[] = []): string {
  const said = (text ?? '').split(/\r?\n/).map((line) => {
    return harmless(line.trim())
      .replaceAll('*/', '*\\/')
      .replaceAll(/(?<=^|\s)@(?=[A-Za-z])/g, '\\@')
  })
  const lines = [...(text === null || text === '' ? [] : said), ...tags]
  if (lines.length === 0) return ''
  if (lines.length === 1) return `/** ${lines[0]} */\n`
  return `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */\n`
}
