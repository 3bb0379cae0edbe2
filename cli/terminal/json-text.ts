/** What `--json` prints, of values that strangers may have written. */
import { harmlessJson } from '../../framework/model/plain-text.ts'

/** @param indent of a document for people; without, it is one line */
export function jsonText(value: unknown, indent?: number): string {
  return harmlessJson(JSON.stringify(value, null, indent))
}
