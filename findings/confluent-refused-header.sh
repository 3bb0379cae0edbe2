#!/usr/bin/env bash
# @confluentinc/kafka-javascript 1.10.1 (npm), produce() with a header whose value is null, on librdkafka's own mock broker.
#
# Guess: Kafka's headers may be null, so it is sent; or it is refused, and then nothing is sent.
# Seen:  produce() throws, and the record is sent all the same, without the header. Who tries again after the error sends it twice.
# So:    check header values before the call.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >npm.log 2>&1
# Where no prebuilt binary can be had, it is built from its sources, with the distribution's headers of zlib, OpenSSL, zstd, curl and SASL.
npm install --no-audit --no-fund @confluentinc/kafka-javascript@1.10.1 >>npm.log 2>&1 ||
  CKJS_LINKING=dynamic npm install --no-audit --no-fund @confluentinc/kafka-javascript@1.10.1 >>npm.log 2>&1 ||
  { tail -20 npm.log; exit 1; }
cat >main.cjs <<'JS'
const { Producer, KafkaConsumer } = require('@confluentinc/kafka-javascript')
const until = (test) => new Promise((done, fail) => {
  const end = Date.now() + 20000
  const look = () => (test() ? done() : Date.now() > end ? fail(new Error('nothing within 20 s')) : setTimeout(look, 20))
  look()
})
const main = async () => {
  const producer = new Producer({ 'test.mock.num.brokers': 1, dr_cb: true, 'bootstrap.servers': 'mock:1' }, {})
  const metadata = await new Promise((done, fail) => producer.connect({ topic: 't' }, (error, found) => (error ? fail(error) : done(found))))
  const { host, port } = metadata.brokers[0]
  producer.setPollInterval(10)
  let delivered = 0
  producer.on('delivery-report', () => delivered++)
  try {
    producer.produce('t', 0, Buffer.from('value'), 'key', Date.now(), undefined, [{ note: null }])
    console.log('produce returned')
  } catch (error) {
    console.log(`produce threw: ${error.constructor.name}`)
  }
  await until(() => delivered > 0)
  console.log(`delivery reports: ${delivered}`)
  const consumer = new KafkaConsumer({ 'bootstrap.servers': `${host}:${port}`, 'group.id': 'g', 'enable.auto.commit': false }, { 'auto.offset.reset': 'earliest' })
  await new Promise((done, fail) => consumer.connect({}, (error) => (error ? fail(error) : done())))
  consumer.assign([{ topic: 't', partition: 0, offset: 0 }])
  const records = []
  while (records.length === 0) records.push(...(await new Promise((done, fail) => consumer.consume(10, (error, found) => (error ? fail(error) : done(found))))))
  console.log(`on the broker: ${records.length} record, value ${records[0].value}, headers ${JSON.stringify(records[0].headers ?? [])}`)
  process.exit(0)
}
main().catch((error) => { console.log(error); process.exit(1) })
JS
cat >expected <<'TXT'
produce threw: Error
delivery reports: 1
on the broker: 1 record, value value, headers []
TXT
timeout 60 node main.cjs | tee seen
diff expected seen || { echo 'CHANGED: the client behaves differently now'; exit 1; }
echo 'as described: @confluentinc/kafka-javascript 1.10.1'
