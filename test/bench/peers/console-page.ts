/** The page of `ours-console-open`: reads the stream to its end, and ends with who has started it. */
const [url = '', token = ''] = process.argv.slice(2)
process.once('disconnect', () => process.exit())
const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
if (!response.ok || response.body === null) throw new Error(`${response.status}: ${await response.text()}`)
let isFirst = true
for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
  if (chunk.length > 0 && isFirst) process.send?.('open')
  isFirst = false
}
throw new Error('the stream has ended')
