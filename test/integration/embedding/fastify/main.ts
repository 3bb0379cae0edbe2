import Fastify from 'fastify'
import { Payments } from './payments.ts'
import { pyrallelPlugin } from './pyrallel-plugin.ts'

// A start waits up to 10 s for a broker; Fastify's own limit for a plugin is no longer than that.
// Without a logger of Fastify's, Pyrallel would say nothing either.
export const app = Fastify({ logger: true, pluginTimeout: 60_000 })
const payments = new Payments()
app.addHook('onClose', async () => console.log('payments closed'))
await app.register(pyrallelPlugin, { payments })
await app.listen({ port: Number(process.env.PORT ?? 3000) })
// Fastify listens to no signals: what is in flight would be cut off at each deployment.
process.once('SIGTERM', () => app.close())
