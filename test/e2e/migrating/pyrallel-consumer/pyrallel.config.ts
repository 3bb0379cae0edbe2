import { defineConfig } from 'pyrallel'

export default defineConfig({ group: 'billing', commit: { takeOver: 'pyrallel-consumer' } })
