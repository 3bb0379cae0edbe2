import { Controller } from '@nestjs/common'
import { EventPattern, Payload } from '@nestjs/microservices'
import { save } from './save.js'

interface Order {
  readonly id: string
}

@Controller()
export class OrdersController {
  @EventPattern('orders')
  async save(@Payload() order: Order): Promise<void> {
    await save(order)
  }
}
