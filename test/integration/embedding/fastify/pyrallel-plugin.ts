import type { FastifyPluginAsync } from 'fastify'
import { startPyrallel } from 'pyrallel'
import { routes } from './generated/routes.ts'
import { type Order, orders } from './handlers/charge-order.ts'
import type { Payments } from './payments.ts'
import config from './pyrallel.config.ts'

export const pyrallelPlugin: FastifyPluginAsync<{ readonly payments: Payments }> = async (app, { payments }) => {
  const pyrallel = await startPyrallel({ config, routes, services: { payments }, log: app.log })
  pyrallel.failed.catch(async (error) => {
    app.log.error(error)
    process.exitCode = 1
    await app.close()
  })
  // After the last request has been answered. What was registered before this closes after it.
  app.addHook('onClose', async () => {
    await pyrallel.stop()
    console.log('pyrallel stopped')
  })
  app.get('/ops/*', (request, reply) => {
    reply.hijack()
    request.raw.url = request.raw.url?.replace('/ops', '')
    pyrallel.listener(request.raw, reply.raw)
  })
  app.post<{ Body: Order }>('/orders', async ({ body }, reply) => {
    await pyrallel.publish(orders, body)
    return reply.code(202).send()
  })
}
