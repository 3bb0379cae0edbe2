import { handler } from 'pyrallel'

export interface Greeting {
  readonly name: string
}

// The topic, and what to do with each of its records. Returning is done; throwing is a retry.
export default handler<Greeting>('greetings', async (record, context) => {
  context.log.info({ name: record.value.name }, 'hello')
})
