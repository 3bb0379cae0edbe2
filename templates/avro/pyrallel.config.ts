import { defineConfig } from 'pyrallel'

// Every option and its default: `npx pyrallel config --explain`.
export default defineConfig({
  // The consumer group of the handlers. The offsets belong to it: another name starts from the beginning.
  group: '{{name}}',
  // Not set here: `npm run dev` then has a schema registry of its own. PYRALLEL_REGISTRY_URL names the real one.
  // registry: { url: 'https://registry:8081' },
})
