/** The command line of the benchmark. Reads it; does nothing. */
import { parseArgs } from 'node:util'
import { type System, selectSystems } from './systems.ts'
import { quickWorkloads, selectWorkloads, type Workload } from './workloads.ts'

export const usage = `npm run bench -- [options]

  --quick             a few minutes: few workloads, one repetition, short windows
  --only a,b,c-10     some workloads, by letter or id
  --systems ours,bare some systems
  --repetitions 3     of each cell; the median counts
  --window 2          seconds for which a rate is measured
  --warm-up 1.5       seconds before that
  --brokers host:port a Kafka that runs already, instead of one that is started here
  --profile           runs systems in Node once more under the profiler, and puts flame graphs into the report
  --no-curves         without the scaling curves
  --out bench-results where the report goes
  --help              this text
`

export interface BenchArguments {
  readonly quick: boolean
  readonly workloads: readonly Workload[]
  readonly systems: readonly System[]
  readonly repetitions: number
  readonly brokers: string | undefined
  readonly curves: boolean
  readonly profile: boolean
  /** How long a rate is measured, and warmed up for before, at most. */
  readonly windowMs: number
  readonly warmUpMs: number
  readonly out: string
  readonly help: boolean
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
      profile: { type: 'boolean', default: false },
      window: { type: 'string' },
      'warm-up': { type: 'string' },
      'no-curves': { type: 'boolean', default: false },
      out: { type: 'string', default: 'bench-results' },
      help: { type: 'boolean', default: false, short: 'h' },
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
    profile: values.profile,
    windowMs: milliseconds('--window', values.window ?? (quick ? '0.7' : '2')),
    warmUpMs: milliseconds('--warm-up', values['warm-up'] ?? (quick ? '0.5' : '1.5')),
    out,
    help: values.help,
  }
}

function milliseconds(option: string, seconds: string): number {
  const value = Number(seconds)
  if (!(value > 0 && value <= 600)) throw new Error(`${option} is '${seconds}', and must be seconds, at most 600.`)
  return Math.round(value * 1_000)
}

function namesOf(list: string | undefined): readonly string[] | undefined {
  return list
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}
