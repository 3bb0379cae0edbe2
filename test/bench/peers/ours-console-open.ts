/** As ours.ts, with a page of the console open. */
import { serveConsole } from './our-console.ts'
import { runOurs } from './our-runtime.ts'
import { runPeer } from './peer.ts'

await runPeer(async (settings, handle) => {
  const { http, openPage } = await serveConsole(import.meta.url)
  await runOurs(settings, handle, { client: 'librdkafka', http })
  await openPage(settings)
})
