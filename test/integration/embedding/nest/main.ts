import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { PyrallelModule, RunningPyrallel } from './pyrallel.module.ts'

export const app = await NestFactory.create(PyrallelModule)
const { pyrallel } = app.get(RunningPyrallel)
app.use('/ops', pyrallel.listener)
app.enableShutdownHooks()
pyrallel.failed.catch(async (error) => {
  console.error(error)
  process.exitCode = 1
  await app.close()
})
await app.listen(process.env.PORT ?? 3000)
