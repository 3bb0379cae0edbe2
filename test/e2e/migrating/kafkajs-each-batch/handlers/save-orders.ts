import { batchHandler } from 'pyrallel'
import { saveAll } from './_save.ts'

interface Order {
  readonly id: string
}

export default batchHandler<Order>('orders', { batch: { size: 200, wait: '50ms' } }, async (batch) => {
  await saveAll([...batch].map((record) => record.value))
})
