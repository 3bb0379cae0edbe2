import { Injectable, type OnApplicationShutdown } from '@nestjs/common'

@Injectable()
export class Payments implements OnApplicationShutdown {
  async charge(orderId: string): Promise<void> {
    console.log(`charged ${orderId}`)
  }

  // Not onModuleDestroy: that comes before Pyrallel has stopped, and handlers still use this.
  onApplicationShutdown(): void {
    console.log('payments closed')
  }
}
