import { defineConfig } from 'pyrallel'

// Every option and its default: `npx pyrallel config --explain`.
export default defineConfig({
  // The consumer group. The offsets belong to it: another name starts from the beginning.
  group: '{{name}}',
})
