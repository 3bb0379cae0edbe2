/** Numbers, times and sizes as people read them. Every text keeps its width as its value changes by little, so that nothing on the page moves. */

const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** `1,234,567` */
export function digits(value: number): string {
  const [whole = '', fraction] = Math.abs(value).toString().split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return `${value < 0 ? '−' : ''}${grouped}${fraction === undefined ? '' : `.${fraction}`}`
}

/** `1.2 kB`: powers of a thousand, as disks and brokers count. */
export function bytes(value: number): string {
  let size = value
  let unit = 0
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000
    unit++
  }
  return `${unit === 0 || size >= 99.5 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`
}

/** `12/s`, `1.5k/s`, `0.2/s` */
export function rate(perSecond: number): string {
  return `${short(perSecond)}/s`
}

/** `950`, `1.5k`, `23M`: for places that have room for four characters. */
export function short(value: number): string {
  if (value !== 0 && value < 0.05) return '<0.1'
  if (value < 9.95) return Number.isInteger(value) ? String(value) : value.toFixed(1)
  if (value < 999.5) return String(Math.round(value))
  for (const [size, letter] of [
    [1e3, 'k'],
    [1e6, 'M'],
  ] as const) {
    const scaled = value / size
    if (scaled < 9.95) return `${scaled.toFixed(1)}${letter}`
    if (scaled < 999.5) return `${Math.round(scaled)}${letter}`
  }
  return `${Math.round(value / 1e9)}G`
}

/** How long something takes or has taken: `340 ms`, `4.2 s`, `3 min 12 s`, `2 h 5 min`, `3 d 4 h`. */
export function span(ms: number): string {
  if (ms < 1) return ms <= 0 ? '0 ms' : '<1 ms'
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return two(seconds, 60, 'min', 's')
  const minutes = Math.round(seconds / 60)
  if (minutes < 1_440) return two(minutes, 60, 'h', 'min')
  return two(Math.round(minutes / 60), 24, 'd', 'h')
}

function two(value: number, base: number, large: string, small: string): string {
  const rest = value % base
  return rest === 0 ? `${Math.floor(value / base)} ${large}` : `${Math.floor(value / base)} ${large} ${rest} ${small}`
}

/** A moment as seen from now: `now`, `12 s ago`, `in 3 s`. Both in milliseconds since the Unix epoch. */
export function relative(at: number, now: number): string {
  const ms = now - at
  if (Math.abs(ms) < 1_000) return 'now'
  return ms > 0 ? `${span(whole(ms))} ago` : `in ${span(whole(-ms))}`
}

/** Without tenths, which would change ten times a second. */
function whole(ms: number): number {
  const seconds = Math.floor(ms / 1000)
  return seconds < 10 ? Math.max(seconds, 1) * 1000 : ms
}

/** `14:03:21.456` in the time zone of who looks. */
export function clockTime(at: number): string {
  const date = new Date(at)
  const pad = (value: number, length = 2) => String(value).padStart(length, '0')
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${digits(count)} ${count === 1 ? one : many}`
}
