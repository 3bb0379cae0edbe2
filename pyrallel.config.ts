import { defineConfig } from 'pyrallel'

// Every option with its default is in docs/configuration.md; what is not written here keeps it.
export default defineConfig({
  group: 'shop',
  handlers: {
    // Of the example app, so that a demo of a few seconds shows whole stories. Outages of real services last longer.
    retry: { attempts: 4, min: '100ms', max: '2s' },
  },
})
