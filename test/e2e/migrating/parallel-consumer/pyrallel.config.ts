import { defineConfig } from 'pyrallel'

export default defineConfig({ group: 'billing', commit: { takeOver: 'parallel-consumer' } })
