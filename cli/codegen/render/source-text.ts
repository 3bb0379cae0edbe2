/** Writes values as TypeScript source in the style of the generated files. Pure. */

/** A text in single quotes. */
export function quoted(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `'${escaped.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}'`
}

/** A property's name: in quotes only where it must be. `__proto__: x` would be no property, but the object's prototype. */
export function propertyName(name: string): string {
  if (name === '__proto__') return "['__proto__']"
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name)
}

export function scalar(value: string | number | boolean): string {
  return typeof value === 'string' ? quoted(value) : String(value)
}

/** Every line but the first, two spaces further in. */
export function indented(text: string): string {
  return text.replaceAll('\n', '\n  ')
}
