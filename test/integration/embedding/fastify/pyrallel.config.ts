import { defineConfig } from 'pyrallel'

export default defineConfig({ group: 'shop' })
