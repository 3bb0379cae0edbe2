import { handler } from 'pyrallel'
import { save } from './_save.ts'

interface Order {
  readonly id: string
}

export default handler<Order>('orders', { concurrency: 100 }, async (record) => {
  await save(record.value)
})
