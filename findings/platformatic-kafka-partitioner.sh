#!/usr/bin/env bash
# @platformatic/kafka 2.12.1 (npm), its default partitioner, beside kafkajs 2.2.4, whose default one is that of the Java client.
#
# Guess: its default partitioner is murmur2 "ported from Java", so that a key has the same partition as with Java's producer.
# Seen:  only where the number of partitions is a power of two. Java clears the sign bit of the hash, this one reads the hash as
#        unsigned, so about half of the keys have another partition on 3, 6 or 12 partitions. Its `compatibilityPartitioner`
#        agrees with Java everywhere.
# So:    where Java, librdkafka (murmur2_random) or kafkajs write to the same topic, the order of half of the keys is lost.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >npm.log 2>&1
npm install --no-audit --no-fund --ignore-scripts @platformatic/kafka@2.12.1 kafkajs@2.2.4 >>npm.log 2>&1 || { cat npm.log; exit 1; }
cat >compare.mjs <<'JS'
import { Partitioners } from 'kafkajs'
import { compatibilityPartitioner, defaultPartitioner } from './node_modules/@platformatic/kafka/dist/clients/producer/partitioners.js'
const java = Partitioners.DefaultPartitioner()
const keys = Array.from({ length: 10_000 }, (_, n) => Buffer.from(`customer-${n}`))
for (const partitions of [3, 4, 6, 8, 12]) {
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({ partitionId, leader: 1 }))
  const differ = (of) => keys.filter((key) => of({}, key) % partitions !== java({ topic: 't', partitionMetadata, message: { key } })).length
  console.log(`${partitions} partitions: default ${differ(defaultPartitioner)}, compatibility ${differ(compatibilityPartitioner)} of ${keys.length} keys elsewhere`)
}
JS
cat >expected <<'TXT'
3 partitions: default 4997, compatibility 0 of 10000 keys elsewhere
4 partitions: default 0, compatibility 0 of 10000 keys elsewhere
6 partitions: default 4997, compatibility 0 of 10000 keys elsewhere
8 partitions: default 0, compatibility 0 of 10000 keys elsewhere
12 partitions: default 4997, compatibility 0 of 10000 keys elsewhere
TXT
node compare.mjs | tee seen
diff expected seen || { echo 'CHANGED: the default partitioner behaves differently now'; exit 1; }
echo 'as described: @platformatic/kafka 2.12.1'
