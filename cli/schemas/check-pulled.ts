/** Compares the files of pulled schemas with what their registry has now. Writes nothing. */
import { loadCodec } from '../../framework/formats/value-codec.ts'
import { PyrallelError } from '../../framework/model/errors.ts'
import type { SchemaRegistry, SubjectVersion } from '../../framework/registry/schema-registry.ts'
import { pulledText } from './pull.ts'
import { pulledFacts, pulledFile } from './pulled-file.ts'
import { ifKnown, MAX_REASONS, whyUnread } from './why-unread.ts'

/** `changed`: the file is not what a pull of its version writes. `gone`: the registry has not got the version, or the subject. */
export type CheckState = 'current' | 'compatible' | 'incompatible' | 'changed' | 'gone'

export interface CheckedSchema {
  readonly subject: string
  /** That of the file. */
  readonly version: number
  /** Of the registry; `null` where it has none. */
  readonly latest: number | null
  readonly state: CheckState
  /** Why values of the latest version cannot be read: at most five. */
  readonly reasons: readonly string[]
}

/** @throws PyrallelError as the registry does, but for what it does not have */
export function checkPulled(
  registry: SchemaRegistry,
  root: string,
  subjects: readonly string[],
): Promise<readonly CheckedSchema[]> {
  return Promise.all(
    subjects.map(async (subject) => {
      const content = pulledText(root, subject) ?? ''
      const { version = 0, message } = pulledFacts(content) ?? {}
      const [pulled, latest] = await Promise.all([
        ifKnown(registry.version(subject, version)),
        ifKnown(registry.latest(subject)),
      ])
      if (pulled !== undefined) await loadCodec(pulled)
      const judged = judge({ subject, content, message, pulled, latest })
      return { subject, version, latest: latest?.version ?? null, ...judged }
    }),
  )
}

interface Compared {
  readonly subject: string
  readonly content: string
  /** Of Protobuf: which message the values are, by the file. */
  readonly message: string | undefined
  readonly pulled: SubjectVersion | undefined
  readonly latest: SubjectVersion | undefined
}

function judge(compared: Compared): Pick<CheckedSchema, 'state' | 'reasons'> {
  const { subject, content, message, pulled, latest } = compared
  if (pulled === undefined || latest === undefined) return { state: 'gone', reasons: [] }
  if (pulledAgain({ ...pulled, subject }, message) !== content) return { state: 'changed', reasons: [] }
  if (latest.version === pulled.version) return { state: 'current', reasons: [] }
  const reasons = whyUnread(pulled, latest, message)
  return { state: reasons.length === 0 ? 'compatible' : 'incompatible', reasons: reasons.slice(0, MAX_REASONS) }
}

/** `undefined` where the file names a message that its schema does not have. */
function pulledAgain(schema: SubjectVersion, message: string | undefined): string | undefined {
  try {
    return pulledFile(schema, message)
  } catch (thrown) {
    if (thrown instanceof PyrallelError && thrown.code === 'PYR_USAGE') return undefined
    throw thrown
  }
}
