/** The smallest project: one handler, that logs what it gets. */

export const config = "import { defineConfig } from 'pyrallel'\nexport default defineConfig({ group: 'shop' })\n"
export const hello =
  "import { handler } from 'pyrallel'\nexport default handler('hello', (record, context) => context.log.info({ value: record.value }, 'seen'))\n"
