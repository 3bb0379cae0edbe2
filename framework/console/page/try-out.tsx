/** What a session of development has beyond production: records that are sent by hand, and faults on demand. */
import { Faults } from './faults.tsx'
import { about } from './link/store.ts'
import { Empty, Pending } from './parts.tsx'
import { SendRecord } from './send-record.tsx'

export function TryOut({ topic }: { readonly topic: string | undefined }) {
  if (about.value === undefined) return <Pending error={undefined} />
  if (!about.value.can.dev) {
    return <Empty title="This is no session of development">Records are sent by hand from pyrallel dev only.</Empty>
  }
  return (
    <>
      <SendRecord topic={topic} />
      <Faults />
    </>
  )
}
