/** Whether numbers are multiples of a step as they are written: 1070468.14 is one of 0.01, though no binary division says so. Pure. */

/** So many digits, and a number and its text are one: no two texts of as many digits mean the same number. */
const EXACT = 1e15
/** Powers of ten up to this one are numbers without a rounding. */
const EXACT_POWER = 22

interface Decimal {
  /** `digits` divided by 10 to the power of `places`. */
  readonly digits: bigint
  readonly places: number
}

export class DecimalStep {
  readonly #step: number
  readonly #decimal: Decimal
  /** The step's digits, and what they are divided by; NaN where these are no exact numbers. */
  readonly #digits: number
  readonly #scale: number

  /** @param step above 0 */
  constructor(step: number) {
    this.#step = step
    this.#decimal = decimalOf(step)
    const { digits, places } = this.#decimal
    const isExact = places <= EXACT_POWER && digits <= BigInt(EXACT)
    this.#digits = isExact ? Number(digits) : Number.NaN
    this.#scale = isExact ? 10 ** places : Number.NaN
  }

  divides(value: number): boolean {
    const digits = Math.round(value / this.#step) * this.#digits
    // One division of two exact numbers is rounded once, as the value's text was when it was read.
    if (Math.abs(digits) <= EXACT) return digits / this.#scale === value
    return Number.isFinite(value) && this.#dividesExactly(decimalOf(value))
  }

  #dividesExactly({ digits, places }: Decimal): boolean {
    const step = this.#decimal
    const shared = Math.max(places, step.places)
    return (digits * 10n ** BigInt(shared - places)) % (step.digits * 10n ** BigInt(shared - step.places)) === 0n
  }
}

/** The shortest text that means the number, which is the one that people write. */
function decimalOf(value: number): Decimal {
  const [mantissa = '', exponent = '0'] = String(value).split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const places = fraction.length - Number(exponent)
  const digits = BigInt(whole + fraction)
  return places >= 0 ? { digits, places } : { digits: digits * 10n ** BigInt(-places), places: 0 }
}
