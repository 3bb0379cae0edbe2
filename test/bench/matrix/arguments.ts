/** The command line of the benchmark. Reads it; does nothing. */
import { parseArgs } from 'node:util'
import { type System, selectSystems } from './systems.ts'
import { quickWorkloads, selectWorkloads, type Workload } from './workloads.ts'

export const usage = `npm run bench -- [options]

  --quick             a minute's run: few workloads, one repetition, short windows
  --only a,b,c-10     some workloads, by letter or id
  --systems ours,bare some systems
  --repetitions 3     of each cell; the median counts
  --brokers host:port a Kafka that runs already, instead of one that is started here
  --no-curves         without the scaling curves
  --out bench-results where the report goes
`

export interface BenchArguments {
  readonly quick: boolean
  readonly workloads: readonly Workload[]
  readonly systems: readonly System[]
  readonly repetitions: number
  readonly brokers: string | undefined
  readonly curves: boolean
  readonly out: string
}

/** @throws Error with a sentence for the user */
export function readArguments(argv: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      systems: { type: 'string' },
      repetitions: { type: 'string' },
      brokers: { type: 'string' },
      'no-curves': { type: 'boolean', default: false },
      out: { type: 'string', default: 'bench-results' },
    },
  })
  const { quick, brokers, out } = values
  const only = namesOf(values.only)
  const repetitions = Number(values.repetitions ?? (quick ? 1 : 3))
  if (!Number.isInteger(repetitions) || repetitions < 1) {
    throw new Error(`--repetitions is '${values.repetitions}', and must be a number from 1.`)
  }
  return {
    quick,
    workloads: quick && only === undefined ? quickWorkloads : selectWorkloads(only),
    systems: selectSystems(namesOf(values.systems)),
    repetitions,
    brokers,
    // Whoever asks for some workloads does not ask for these.
    curves: !quick && only === undefined && !values['no-curves'],
    out,
  }
}

function namesOf(list: string | undefined): readonly string[] | undefined {
  return list
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}
