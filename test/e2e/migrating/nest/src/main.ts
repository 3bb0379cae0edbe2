import 'reflect-metadata'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { type MicroserviceOptions, Transport } from '@nestjs/microservices'
import { OrdersController } from './orders.controller.js'

@Module({ controllers: [OrdersController] })
class AppModule {}

const app = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, {
  transport: Transport.KAFKA,
  options: {
    client: { clientId: 'billing', brokers: (process.env.BROKERS ?? '').split(',') },
    consumer: { groupId: 'billing' },
    subscribe: { fromBeginning: true },
    run: { partitionsConsumedConcurrently: 4, autoCommitThreshold: 100 },
  },
})
app.enableShutdownHooks()
await app.listen()
