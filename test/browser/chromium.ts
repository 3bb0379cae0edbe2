/** A headless Chromium for the tests of the console's page: the distribution's own. */
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const places = [process.env.PYRALLEL_TEST_CHROMIUM ?? '', '/usr/bin/chromium', '/usr/bin/chromium-browser']

function executable(): string | undefined {
  return places.find((path) => path !== '' && existsSync(path))
}

/** Why no browser test can run here; `undefined` when they can. */
export function browserProblem(): string | undefined {
  if (executable() !== undefined) return undefined
  return 'Chromium is not installed (Debian: apt-get install chromium fonts-dejavu-core; or name one in PYRALLEL_TEST_CHROMIUM)'
}

export async function openChromium(): Promise<Browser> {
  const executablePath = executable()
  if (executablePath === undefined) throw new Error(browserProblem())
  // As root, Chromium starts without its sandbox only. It opens pages of these tests and no others.
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return await chromium.launch({ executablePath, args: [...asRoot, '--disable-dev-shm-usage', '--disable-gpu'] })
}
