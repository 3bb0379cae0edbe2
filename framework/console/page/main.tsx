/** The start of the page: takes the token, opens the stream, and listens to the keyboard. */
import { render } from 'preact'
import { App, onKey } from './app.tsx'
import { tick } from './link/store.ts'
import { stream } from './link/stream.ts'
import { takeTokenFromAddress } from './link/token.ts'
import { startTheme } from './theme.ts'

takeTokenFromAddress()
startTheme()
stream.start()
setInterval(() => {
  if (!document.hidden) tick()
}, 500)
addEventListener('keydown', onKey)
const page = document.getElementById('page')
if (page !== null) {
  page.textContent = ''
  render(<App />, page)
}
