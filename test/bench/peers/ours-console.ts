/** As ours.ts, with the console served and no page open. */
import { serveConsole } from './our-console.ts'
import { runOurs } from './our-runtime.ts'
import { runPeer } from './peer.ts'

await runPeer(async (settings, handle) => {
  const { http } = await serveConsole(import.meta.url)
  await runOurs(settings, handle, { client: 'librdkafka', http })
})
