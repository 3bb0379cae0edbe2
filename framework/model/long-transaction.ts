/** From when on an open transaction is told to whoever looks: one takes some tens of milliseconds. */

export const LONG_TRANSACTION_MS = 5_000
