/** A handler with a schema and strict order: a value that does not satisfy the schema never gets here, but to the dead-letter topic. */
import { handler } from 'pyrallel'
import { stockMoves } from './_topics.ts'

const stock = new Map<string, number>()

export default handler(
  stockMoves,
  {
    // Moves of one partition are applied one by one, whatever their key: `quantity` adds up in the order of the log.
    ordering: 'partition',
    // Nothing here waits for anything: a longer one means that something is wrong.
    timeout: '1s',
  },
  (record, context) => {
    const { sku, warehouse, quantity } = record.value
    const shelf = `${warehouse}/${sku}`
    const left = (stock.get(shelf) ?? 0) + quantity
    stock.set(shelf, left)
    context.log.debug({ shelf, left }, 'stock moved')
  },
)
