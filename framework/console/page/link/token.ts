/** The token of the console: comes in the fragment of the address, leaves the address bar at once, and stays in this tab. */
import { tokenIn } from '../models/location.ts'

const storageKey = 'pyrallel-console-token'
let kept: string | undefined

/** What is sent with each request; `undefined`: there is none. */
export function token(): string | undefined {
  kept ??= stored()
  return kept
}

export function keepToken(value: string): void {
  kept = value
  try {
    sessionStorage.setItem(storageKey, value)
  } catch {
    // A browser that stores nothing asks again after a reload.
  }
}

/** Takes the token out of the address bar, before anything else may read it there, and out of the history. */
export function takeTokenFromAddress(): void {
  const found = tokenIn(location.hash)
  if (found === undefined) return
  keepToken(found)
  history.replaceState(null, '', `${location.pathname}${location.search}`)
}

function stored(): string | undefined {
  try {
    return sessionStorage.getItem(storageKey) ?? undefined
  } catch {
    return undefined
  }
}
