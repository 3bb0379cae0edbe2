// Made by `pyrallel generate` (format 2). Do not edit: change handlers/ and generate again.
import { runThread } from 'pyrallel/worker'
import * as handlerModule from '../../handlers/score-page-views.ts'
import { PageView, topicSchemas } from '../schemas.ts'

runThread(handlerModule, { schema: PageView, topicSchemas })
