/** Turns a template literal type into a regular expression (flag `u`) that accepts what TypeScript accepts. Pure; knows no compiler. */

export type Placeholder = 'string' | 'number' | 'bigint'

/** A number as JSON and `String()` write it. TypeScript would take `0x1F` and ` 1` too; no producer means them. */
const NUMBER = '-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][-+]?\\d+)?'
const BIGINT = '-?(?:0|[1-9]\\d*)'

/** `texts` has one more element than `placeholders`: what stands before, between and behind them. */
export function templatePattern(texts: readonly string[], placeholders: readonly Placeholder[]): string {
  const parts = placeholders.map((placeholder, index) => {
    const next = texts[index + 1] ?? ''
    return `${part(placeholder, next, index === placeholders.length - 1)}${escaped(next)}`
  })
  return `^${escaped(texts[0] ?? '')}${parts.join('')}$`
}

/** TypeScript does not go back: a placeholder ends where the text behind it is first found, and one without a text behind it has one character. */
function part(placeholder: Placeholder, next: string, isLast: boolean): string {
  const shape = placeholder === 'number' ? NUMBER : BIGINT
  if (isLast) return placeholder === 'string' ? '[\\s\\S]*' : shape
  if (next === '') return placeholder === 'string' ? '[\\s\\S]' : '\\d'
  const upToNext = `(?:(?!${escaped(next)})[\\s\\S])`
  if (placeholder === 'string') return `${upToNext}*`
  const mayHoldNext = /^[-+.\deE]/.test(next)
  return mayHoldNext ? `(?=${shape}${escaped(next)})${upToNext}+` : shape
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
