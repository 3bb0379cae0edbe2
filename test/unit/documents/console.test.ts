/** docs/console.md: its paths, verdicts and errors are those of the code. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { devEndpoints as devEndpointsOf } from '../../../cli/dev/console/dev-endpoints.ts'
import { faultEndpoints } from '../../../cli/dev/console/fault-endpoints.ts'
import { faultStatuses } from '../../../framework/console/http/fault.ts'
import { historySeries, verdictKinds } from '../../../framework/console/protocol.ts'
import { chaosKinds } from '../../../framework/console/protocol-dev.ts'
import { serveConsole } from '../console/served-console.ts'
import { textOf } from './pages.ts'

const page = textOf('docs/console.md')
const namesIn = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
const rowsBelow = (title: string) => {
  const [, after = ''] = page.split(title)
  return (
    after
      .split(/\n## /)[0]
      ?.split('\n')
      .filter((line) => line.startsWith('|'))
      .slice(2) ?? []
  )
}

describe('docs/console.md', () => {
  it('has the paths of the router, and no other', async (t) => {
    const none = {} as never
    const devEndpoints = devEndpointsOf({ handlers: none, connection: none, topics: none, log: none, random: none })
    const { console } = await serveConsole(t, { devEndpoints: [...devEndpoints, ...faultEndpoints(none)] })
    const documented = [...page.matchAll(/^\| (GET|POST) `([^`]+)`/gm)].map(([, method, path]) => `${method} ${path}`)
    assert.deepEqual(documented.sort(), console.endpoints.map(({ method, path }) => `${method} ${path}`).sort())
  })

  it('has every verdict, every fault on demand, every error with its status, and every series of the history', () => {
    const firstNames = (rows: readonly string[]) =>
      rows.flatMap((row) => namesIn(/^\| (`[^|]+) \|/.exec(row)?.[1] ?? ''))
    const faults = rowsBelow('## Faults on demand')
    assert.deepEqual(firstNames(faults), chaosKinds)
    const verdicts = firstNames(page.split('\n').filter((row) => !faults.includes(row)))
    assert.deepEqual(verdicts.sort(), [...verdictKinds].sort())
    const errors = rowsBelow('## Errors').flatMap((row) => {
      const [, statuses = '', names = ''] = row.split('|')
      return namesIn(names).map((code) => [code, statuses.trim().split(', ').map(Number)] as const)
    })
    assert.deepEqual(errors.map(([code]) => code).sort(), Object.keys(faultStatuses).sort())
    for (const [code, statuses] of errors) {
      assert.ok(statuses.includes(faultStatuses[code as keyof typeof faultStatuses]), code)
    }
    const history = page.split('\n').find((line) => line.includes('`/api/history`')) ?? ''
    assert.deepEqual(
      namesIn(history).filter((name) => !/[/]|^(of|since)$/.test(name)),
      [...historySeries],
    )
  })
})
