import Fastify from 'fastify'
import { Payments } from './payments.ts'
import { pyrallelPlugin } from './pyrallel-plugin.ts'

// A start waits up to 10 s for a broker; Fastify's own limit for a plugin is no longer than that.
export const app = Fastify({ pluginTimeout: 60_000 })
const payments = new Payments()
app.addHook('onClose', async () => console.log('payments closed'))
await app.register(pyrallelPlugin, { payments })
await app.listen({ port: Number(process.env.PORT ?? 3000) })
