/** In development: faults on demand, what goes on of them, and the account of every record since the first. */
import type { ChaosAnswer, ChaosBody, ChaosKind } from '../protocol-dev.ts'
import { usePolled } from './link/polled.ts'
import { path, post } from './link/requests.ts'
import { now } from './link/store.ts'
import { accountText, faultTexts } from './models/faults.ts'
import { span } from './models/numbers.ts'
import { Act, Moment, Pending, Shown } from './parts.tsx'

export function Faults() {
  const { answer, error, again } = usePolled<ChaosAnswer>(path('dev', 'chaos'), 1_000)
  if (answer === undefined) return <Pending error={error} />
  const act =
    (what: ChaosKind, stop = false) =>
    async () => {
      const body: ChaosBody = {}
      const { done } = await post<ChaosAnswer>(path('dev', 'chaos', what, ...(stop ? ['stop'] : [])), body)
      again()
      return done[0]?.text ?? 'It is over.'
    }
  return (
    <section>
      <h2>
        Faults <span class="dim">each does what it says, and nothing may be lost</span>
      </h2>
      {answer.account !== null && <Account account={answer.account} />}
      <ul class="faults">
        {faultTexts.map(({ what, button, says }) => {
          const canNot = answer.kinds.find((each) => each.what === what)?.canNot ?? null
          const active = answer.active.find((each) => each.what === what)
          return (
            <li key={what}>
              {active === undefined ? (
                <Act act={act(what)} isOff={canNot !== null}>
                  {button}
                </Act>
              ) : (
                <Act act={act(what, true)}>Stop</Act>
              )}{' '}
              {canNot === null ? says : <span class="dim">{canNot}</span>}
              {active !== undefined && (
                <b class="num">
                  {' '}
                  goes on for {span(Math.max(0, active.until - now.value))}
                  {active.left === null ? '' : `, ${active.left} left`}
                </b>
              )}
            </li>
          )
        })}
      </ul>
      <ol class="notes">
        {answer.done.map(({ at, text }, index) => (
          <li key={`${at} ${index}`}>
            <Moment at={at} /> <Shown text={text} />
          </li>
        ))}
      </ol>
    </section>
  )
}

function Account({ account }: { readonly account: NonNullable<ChaosAnswer['account']> }) {
  const { headline, isBad, sum, lines } = accountText(account)
  return (
    <div class="raised" role="group" aria-label="Account">
      <p class={isBad ? 'problem' : ''}>
        <b class="num">{headline}</b> <span class="num">{sum}</span>
      </p>
      {lines.map((line) => (
        <p key={line} class="dim num">
          <Shown text={line} />
        </p>
      ))}
    </div>
  )
}
