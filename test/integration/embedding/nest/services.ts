import type { Payments } from './payments.ts'

declare module 'pyrallel' {
  interface Services {
    readonly payments: Payments
  }
}
