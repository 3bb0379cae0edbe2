/** The thread of the conformance suite's handler `namesTopics`, as `pyrallel generate` would write it. */
import { runThread } from '../../../framework/execution-plane/worker/thread/worker-main.ts'
import { namedFormats, namesTopics } from '../engine-handlers.ts'

runThread({ default: namesTopics }, { topicSchemas: {}, topicFormats: namedFormats })
