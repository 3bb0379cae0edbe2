/** What shows a session of `pyrallel dev`: for people, or for machines. */
import type { RuntimeEvent } from '../../../framework/model/events.ts'
import type { DevNote } from './dev-note.ts'

export interface View {
  /** @param publishedTo the topics that the handler published to in this attempt */
  onEvent(event: RuntimeEvent, publishedTo: readonly string[]): void
  onNote(note: DevNote): void
  /** Writes what is still held back. Nothing is written by itself afterwards. */
  close(): void
}
