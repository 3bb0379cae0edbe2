/** Says of a key what codecs say of "the value". Pure. */
import { RejectedValue } from '../validation/value-decoder.ts'

/** Where a sentence, or what follows a colon, begins with it. Names of a schema stand nowhere there. */
export function keyWords(text: string): string {
  return text.replace(/(^|: )the value\b/g, '$1the key')
}

/** What dead letters are told apart by has the key in it: `UndecodableKey`, `UnknownSchemaOfKey`. */
export function rejectedKey({ failure: { reason, name, message } }: RejectedValue): RejectedValue {
  const ofKey = name.endsWith('Value') ? name.replace(/Value$/, 'Key') : `${name}OfKey`
  return new RejectedValue(reason === 'invalid' ? 'invalid' : 'undecodable', keyWords(message), ofKey)
}
