export class Payments {
  async charge(orderId: string): Promise<void> {
    console.log(`charged ${orderId}`)
  }
}
