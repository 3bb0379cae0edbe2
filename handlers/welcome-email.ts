/** The smallest handler: a topic and a function. Returning is done; throwing is a retry. */
import { handler } from 'pyrallel'
import { sendMail } from './_services.ts'
import { signUps } from './_topics.ts'

export default handler(signUps, async (record, context) => {
  await sendMail(record.value.email, 'Welcome!', context.signal)
  context.log.debug({ user: record.value.userId }, 'welcome mail sent')
})
