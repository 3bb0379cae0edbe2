#!/usr/bin/env bash
# cloudevents 10.0.0 with kafkajs 2.2.4 (npm), on Apache Kafka 4.4.0 (Maven Central): the package's Kafka binding, with the client whose
# messages it describes. Needs Node, Java 17 and Maven.
#
# Guess: what Kafka.binary and Kafka.structured return is sent by producer.send as it is, and Kafka.toEvent reads it back from what
#        eachMessage is given.
# Seen:  a structured event is sent, and cannot be read: header values arrive as Buffers, and toEvent throws a TypeError
#        ("startsWith is not a function"). A binary event is not even sent, because its value is still an object. Once its value is
#        made JSON and a content type is set, it fails in reading as the structured one does. With headers made texts both are read.
# So:    before toEvent, make each header value a text; before send, make a binary event's value JSON and leave out headers without a value.
set -euo pipefail
dir=$(mktemp -d); broker=
cleanup() { [ -z "$broker" ] || kill "$broker" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"; }
trap cleanup EXIT; cd "$dir"
npm init -y >npm.log 2>&1
npm install --no-audit --no-fund --ignore-scripts kafkajs@2.2.4 cloudevents@10.0.0 >>npm.log 2>&1 || { cat npm.log; exit 1; }
cat >pom.xml <<'XML'
<project><modelVersion>4.0.0</modelVersion><groupId>f</groupId><artifactId>f</artifactId><version>1</version>
<dependencies><dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.4.0</version></dependency></dependencies></project>
XML
mvn -q -B dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=jars >mvn.log 2>&1 || { tail -20 mvn.log; exit 1; }
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
kafka=$(port); controller=$(port); export BROKER=127.0.0.1:$kafka
cat >server.properties <<TXT
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://$BROKER,CONTROLLER://127.0.0.1:$controller
controller.listener.names=CONTROLLER
log.dirs=$dir/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
TXT
java -cp 'jars/*' kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c server.properties >format.log 2>&1
java -Xmx512m -cp 'jars/*' kafka.Kafka server.properties >kafka.log 2>&1 & broker=$!
cat >main.mjs <<'JS'
import { once, EventEmitter } from 'node:events'
import { CloudEvent, Kafka as Binding } from 'cloudevents'
import kafkajs from 'kafkajs'
const client = new kafkajs.Kafka({ brokers: [process.env.BROKER], logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 15 } })
const event = new CloudEvent({ id: '1', type: 'order.created', source: '/shop', datacontenttype: 'application/json', data: { id: 'o1' } })
const admin = client.admin()
await admin.connect()
await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 1 }], waitForLeaders: true })
await admin.disconnect()
const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
const consumer = client.consumer({ groupId: 'readers' })
await Promise.all([producer.connect(), consumer.connect()])
await consumer.subscribe({ topic: 'orders', fromBeginning: true })
const messages = new EventEmitter()
await consumer.run({ eachMessage: async ({ message }) => void messages.emit('message', message) })
const binary = Binding.binary(event)
const present = Object.fromEntries(Object.entries(binary.headers).filter(([, value]) => value !== undefined))
const sent = {
  structured: Binding.structured(event),
  binary,
  'binary, value as JSON': { ...binary, value: JSON.stringify(binary.value), headers: present },
}
const read = (message) => {
  try {
    return `event ${Binding.toEvent(message).id}, data ${JSON.stringify(Binding.toEvent(message).data)}`
  } catch (error) {
    return `${error.name}: ${/startsWith is not a function/.exec(error.message)?.[0] ?? error.message}`
  }
}
for (const [name, message] of Object.entries(sent)) {
  const arrives = once(messages, 'message')
  try {
    await producer.send({ topic: 'orders', messages: [message] })
  } catch (error) {
    console.log(`${name}: not sent, ${error.name}`)
    continue
  }
  const [arrived] = await arrives
  const texts = Object.fromEntries(Object.entries(arrived.headers).map(([header, value]) => [header, value.toString()]))
  console.log(`${name}: sent; as it arrives: ${read(arrived)}; with headers as texts: ${read({ ...arrived, headers: texts })}`)
}
process.exit()
JS
timeout 120 node main.mjs | tee seen
cat >expected <<'TXT'
structured: sent; as it arrives: TypeError: startsWith is not a function; with headers as texts: event 1, data {"id":"o1"}
binary: not sent, TypeError
binary, value as JSON: sent; as it arrives: TypeError: startsWith is not a function; with headers as texts: event 1, data {"id":"o1"}
TXT
diff expected seen || { echo 'CHANGED: cloudevents or kafkajs behaves differently now'; exit 1; }
echo 'as described: cloudevents 10.0.0 with kafkajs 2.2.4'
