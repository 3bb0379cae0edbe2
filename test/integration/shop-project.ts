/** A project that charges for orders, as tests of builds have it. The broker is that of BROKERS. */

const config =
  "import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop', handlers: { retry: { attempts: 2, min: 10 } }, kafka: { brokers: (process.env.BROKERS ?? 'localhost:9092').split(',') } })\n"
export const pay = `import { DeadLetter, handler } from 'pyrallel'
import { feeOf } from '../fees.ts'

export default handler<{ readonly total: number }>('orders', async (record, context) => {
  if (record.value.total < 0) throw new DeadLetter('a negative total')
  context.log.info({ total: record.value.total + feeOf(record.value.total) }, 'charged')
})
`
export const fees = `export function feeOf(total: number): number {
  if (total > 1_000) {
    throw new RangeError('no fee is known')
  }
  return 1
}
`
export const project = {
  'package.json': '{ "name": "my-shop", "version": "3.2.1", "type": "module", "dependencies": { "addon": "1.0.0" } }',
  'pyrallel.config.ts': config,
  'handlers/pay.ts': pay,
  'fees.ts': fees,
}
