/**
 * Variables that Kubernetes sets in every container of a namespace for each of its Services. One that is named `pyrallel-http` sets
 * `PYRALLEL_HTTP_PORT=tcp://10.0.0.7:80`, and nobody has meant an option by it. Pure.
 */

export interface PassedOver {
  /** `pyrallel-http`, as the Service is probably named. */
  readonly service: string
  /** Sorted. */
  readonly variables: readonly string[]
}

const byName = /_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/
const portName = /_PORT$/
const address = /^(?:tcp|udp|sctp):\/\//

/** The Service's part of the name; `undefined` where the variable is none of its. A name that an option has too is judged by its value. */
export function serviceOf(variable: string, value: string, isOption: boolean): string | undefined {
  if (portName.test(variable) && address.test(value)) return named(variable.replace(portName, ''))
  return !isOption && byName.test(variable) ? named(variable.replace(byName, '')) : undefined
}

function named(base: string): string {
  return base.toLowerCase().replaceAll('_', '-')
}

/** What somebody should look at, and what to do about it. */
export function passedOverText({ service, variables }: PassedOver): string {
  return (
    `${variables.join(', ')}: passed over, as Kubernetes sets them for a Service named ${service}. ` +
    'Rename the Service, or set enableServiceLinks: false for the Pod.'
  )
}
