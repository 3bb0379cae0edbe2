import { defineConfig } from 'pyrallel'

export default defineConfig({ group: 'billing-server' })
