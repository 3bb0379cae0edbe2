import { type BeforeApplicationShutdown, Module } from '@nestjs/common'
import { type Pyrallel, startPyrallel } from 'pyrallel'
import { routes } from './generated/routes.ts'
import { Payments } from './payments.ts'
import config from './pyrallel.config.ts'

export class RunningPyrallel implements BeforeApplicationShutdown {
  readonly pyrallel: Pyrallel

  constructor(pyrallel: Pyrallel) {
    this.pyrallel = pyrallel
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.pyrallel.stop()
    console.log('pyrallel stopped')
  }
}

@Module({
  providers: [
    Payments,
    {
      provide: RunningPyrallel,
      inject: [Payments],
      useFactory: async (payments: Payments) =>
        new RunningPyrallel(await startPyrallel({ config, routes, services: { payments } })),
    },
  ],
  exports: [RunningPyrallel],
})
export class PyrallelModule {}
