/** Dark, light, or as the system has it. */
import { signal } from '@preact/signals'

const storageKey = 'pyrallel-console-theme'
const themes = ['system', 'dark', 'light'] as const
export type Theme = (typeof themes)[number]

export const theme = signal<Theme>('system')

export function startTheme(): void {
  let stored: string | null = null
  try {
    stored = localStorage.getItem(storageKey)
  } catch {
    // A browser that stores nothing follows the system.
  }
  show(themes.find((each) => each === stored) ?? 'system')
}

/** @returns what it is now */
export function nextTheme(): Theme {
  const next = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? 'system'
  show(next)
  try {
    localStorage.setItem(storageKey, next)
  } catch {
    // As above: it lasts until the page is left.
  }
  return next
}

function show(next: Theme): void {
  // First the page, then who reads colours from it.
  if (next === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = next
  theme.value = next
}
