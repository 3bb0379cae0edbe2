/** Where the schemas lie that were pulled from a registry, relative to the project, and how one is pulled. */
import { harmless } from '../../framework/model/plain-text.ts'

export const registryFolder = 'generated/registry'

/** The command that writes such a file; `undefined` for any other. @param path of the file, as somebody imports it or relative to the project */
export function pullOf(path: string): string | undefined {
  const [, name] = /(?:^|\/)generated\/registry\/([^/]+)\.ts$/.exec(path) ?? []
  if (name === undefined) return undefined
  try {
    return `pyrallel schemas pull ${harmless(decodeURIComponent(name))}`
  } catch {
    return 'pyrallel schemas pull'
  }
}
