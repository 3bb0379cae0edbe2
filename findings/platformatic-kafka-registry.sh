#!/usr/bin/env bash
# @platformatic/kafka 2.12.1 (npm), its ConfluentSchemaRegistry (called experimental), on Apache Kafka 4.4.0 (Maven Central). The registry
# is answered here: schema 7 is a record in Avro, schema 8 one that has it in a field, by reference. Needs npm, Java 17 and Maven;
# Node 24 comes from npm, too.
#
# Guess: a consumer with the registry reads keys and values that a producer with it wrote; a tombstone is null or undefined; a value
#        without a registry's frame is refused, or given as it is.
# Seen:  a key is written in the frame, and read as a text with the frame's bytes in it. A tombstone is an empty Buffer. The first byte
#        of a value is not looked at: any is taken for 0, and of JSON without a frame the next four are asked for as a schema's id. The
#        stream ends with the registry's error then. References of a schema are not asked for.
# So:    read keys by a deserializer of one's own; take this registry only on topics whose values all have the frame.
set -euo pipefail
dir=$(mktemp -d); broker=
cleanup() { [ -z "$broker" ] || kill "$broker" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"; }
trap cleanup EXIT; cd "$dir"
npm init -y >npm.log 2>&1
node=$(node -p '`node-${process.platform}-${process.arch}`')
npm install --no-audit --no-fund --ignore-scripts @platformatic/kafka@2.12.1 avsc@5.7.9 "$node@24.21.0" >>npm.log 2>&1 || { cat npm.log; exit 1; }
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
import { createServer } from 'node:http'
import { Admin, ConfluentSchemaRegistry, Consumer, MessagesStreamModes, Producer } from '@platformatic/kafka'
const record = (name, fields) => JSON.stringify({ type: 'record', namespace: 'shop', name, fields })
const references = [{ name: 'shop.Order', subject: 'order', version: 1 }]
const schemas = {
  7: { schema: record('Order', [{ name: 'id', type: 'string' }]) },
  8: { schema: record('Paid', [{ name: 'order', type: 'shop.Order' }]), references },
}
let asked = []
const server = createServer(({ url }, response) => {
  asked.push(url)
  const answer = schemas[/^\/schemas\/ids\/(\d+)/.exec(url)?.[1]]
  response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(answer ?? { error_code: 40403, message: 'Schema not found' }))
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${server.address().port}`
const client = { clientId: 'finding', bootstrapBrokers: [process.env.BROKER] }
const framing = new Producer({ ...client, retries: 20, registry: new ConfluentSchemaRegistry({ url }) })
const plain = new Producer(client)
const frame = (first, id, text) => Buffer.from([first, 0, 0, 0, id, text.length * 2, ...Buffer.from(text)])
const seven = { metadata: { schemas: { key: 7, value: 7 } } }
const cases = {
  'key and value of schema 7': [framing, { key: { id: 'k1' }, value: { id: 'o1' }, ...seven }],
  tombstone: [plain, { key: Buffer.from('k1') }],
  'first byte 0, schema 7': [plain, { value: frame(0, 7, 'o1') }],
  'first byte 79, schema 7': [plain, { value: frame(79, 7, 'o1') }],
  'JSON without a frame': [plain, { value: Buffer.from('{"id":"o1"}') }],
  'schema 8, with a reference': [plain, { value: frame(0, 8, 'o1') }],
}
const shown = (value) => (value instanceof Uint8Array ? `Buffer of ${value.length}` : JSON.stringify(value))
const admin = new Admin({ ...client, retries: 20 })
for (const [at, [name, [producer, message]]] of Object.entries(cases).entries()) {
  const topic = `topic-${at}`
  await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 })
  await producer.send({ messages: [{ topic, ...message }] })
  asked = []
  const consumer = new Consumer({ ...client, groupId: topic, registry: new ConfluentSchemaRegistry({ url }) })
  const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST, maxWaitTime: 100 })
  try {
    for await (const { key, value } of stream) {
      console.log(`${name}: key ${shown(key)}, value ${shown(value)}`)
      break
    }
  } catch (error) {
    console.log(`${name}: ${error.message}; asked: ${asked.join(' ')}`)
  }
}
process.exit()
JS
timeout 120 "node_modules/$node/bin/node" --no-warnings main.mjs | tee seen
cat >expected <<'TXT'
key and value of schema 7: key "\u0000\u0000\u0000\u0000\u0007\u0004k1", value {"id":"o1"}
tombstone: key "k1", value Buffer of 0
first byte 0, schema 7: key Buffer of 0, value {"id":"o1"}
first byte 79, schema 7: key Buffer of 0, value {"id":"o1"}
JSON without a frame: Failed to fetch a schema: [HTTP 404]; asked: /schemas/ids/577332258
schema 8, with a reference: undefined type name: shop.Order; asked: /schemas/ids/8
TXT
diff expected seen || { echo 'CHANGED: @platformatic/kafka behaves differently now'; exit 1; }
echo 'as described: @platformatic/kafka 2.12.1'
