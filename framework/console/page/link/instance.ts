/** Which process the page asks: the one that serves it, or another one through it. */
import { signal } from '@preact/signals'

/** Its id, as `/api/instances` has it; undefined: the one that serves the page. */
export const instance = signal<string | undefined>(undefined)
