#!/usr/bin/env bash
# @confluentinc/kafka-javascript 1.10.1 (npm), the event 'event.error' where no broker answers.
#
# Guess: error.code is librdkafka's number (-195 _TRANSPORT, -187 _ALL_BROKERS_DOWN), as in the errors of callbacks.
# Seen:  the code is -1 for each, and what it is stands in the text alone, in small letters. The callback of connect() has the number.
# So:    whoever counts or filters errors by code counts all events as one kind: go by the text.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >npm.log 2>&1
# Where no prebuilt binary can be had, it is built from its sources, with the distribution's headers of zlib, OpenSSL, zstd, curl and SASL.
npm install --no-audit --no-fund @confluentinc/kafka-javascript@1.10.1 >>npm.log 2>&1 ||
  CKJS_LINKING=dynamic npm install --no-audit --no-fund @confluentinc/kafka-javascript@1.10.1 >>npm.log 2>&1 ||
  { tail -20 npm.log; exit 1; }
cat >main.cjs <<'JS'
const { KafkaConsumer } = require('@confluentinc/kafka-javascript')
const net = require('node:net')
// A port that was free a moment ago, so that nobody listens there.
const server = net.createServer().listen(0, '127.0.0.1', () => {
  const { port } = server.address()
  server.close(() => {
    const consumer = new KafkaConsumer({ 'bootstrap.servers': `127.0.0.1:${port}`, 'group.id': 'g' }, {})
    const seen = new Set()
    consumer.on('event.error', (error) => seen.add(`event.error: code ${error.code}, '${error.message}'`))
    consumer.connect({ timeout: 3000 }, (error) => {
      for (const line of [...seen].sort()) console.log(line)
      console.log(`connect(): code ${error.code}, '${error.message}'`)
      process.exit(0)
    })
  })
})
JS
cat >expected <<'TXT'
event.error: code -1, 'all broker connections are down'
event.error: code -1, 'broker transport failure'
connect(): code -195, 'broker transport failure'
TXT
timeout 60 node main.cjs | tee seen
diff expected seen || { echo 'CHANGED: the client behaves differently now'; exit 1; }
echo 'as described: @confluentinc/kafka-javascript 1.10.1'
