import { defineConfig } from 'pyrallel'

// Every option and its default: `npx pyrallel config --explain`.
export default defineConfig({
  // The consumer group of the handlers that name none. The offsets belong to it: another name starts from the beginning.
  group: '{{name}}',
  handlers: { concurrency: 64 },
  // Shows dead letters while you look. In production the defaults outlast what fails over: 5 to 10 minutes.
  development: { handlers: { retry: { attempts: 4, min: '200ms', max: '5s' } } },
})
