/** What the client in JavaScript has no way to do, in words: the config says it with the place of each option, a connection without. Pure. */
import { isSecurityProperty } from './owned-properties.ts'
import { wireProperty } from './wire-properties.ts'

/** What `kafka.client` may say. */
export type ClientWish = 'auto' | 'librdkafka' | 'javascript'

export interface ClientSettings {
  readonly groupProtocol: 'consumer' | 'classic'
  readonly librdkafka: Readonly<Record<string, unknown>>
}

export interface BeyondJavascript {
  /** `kafka.groupProtocol` */
  readonly option: string
  /** The rest of a sentence that begins with the option, and what to do. */
  readonly text: string
}

/** Settings that only librdkafka can follow. None: either client will do. */
export function beyondJavascript({ groupProtocol, librdkafka }: ClientSettings): readonly BeyondJavascript[] {
  const keys = Object.keys(librdkafka).map((key) => {
    const instead = wireProperty(key)?.option ?? (isSecurityProperty(key) ? 'kafka.security' : undefined)
    return instead === undefined ? key : `${key}: use ${instead}`
  })
  const classic: BeyondJavascript = {
    option: 'kafka.groupProtocol',
    text: "is 'classic', which the client in JavaScript does not speak. Write 'consumer', or kafka.client: 'librdkafka'",
  }
  const passthrough: BeyondJavascript = {
    option: 'kafka.librdkafka',
    text: `has settings of librdkafka (${keys.join('; ')}), which the client in JavaScript does not know. Take them out, or write kafka.client: 'librdkafka'`,
  }
  return [...(groupProtocol === 'classic' ? [classic] : []), ...(keys.length > 0 ? [passthrough] : [])]
}
