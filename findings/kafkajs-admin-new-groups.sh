#!/usr/bin/env bash
# kafkajs 2.2.4 (npm), its admin client, on a group of the new protocol (KIP-848) of Apache Kafka 4.4.0 (Maven Central).
# The live member is confluent-kafka 2.16.1 (PyPI). Needs Node, Python 3 with venv, Java 17 and Maven.
#
# Guess: describeGroups refuses, or names the state of the group; setOffsets refuses, as it does for a classic group that has
#        members ("The consumer group must have no running instances").
# Seen:  describeGroups answers errorCode 0, state Dead and no members, just as for a group that does not exist, while the member
#        reads. So the check of setOffsets lets the call through; it resolves without an error, and the offset is as it was.
# So:    no tool that speaks the old DescribeGroups may say whether such a group runs. Stop all members before offsets are set.
set -euo pipefail
dir=$(mktemp -d); broker=; member=
cleanup() { for pid in $member $broker; do kill "$pid" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$dir"; }
trap cleanup EXIT; cd "$dir"
npm init -y >npm.log 2>&1
npm install --no-audit --no-fund kafkajs@2.2.4 >>npm.log 2>&1 || { cat npm.log; exit 1; }
python3 -m venv venv && venv/bin/pip install -q confluent-kafka==2.16.1
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
cat >member.py <<'PY'
import os, signal
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
at = {'bootstrap.servers': os.environ['BROKER']}
admin = AdminClient(at)
for made in admin.create_topics([NewTopic('t', 1, 1)]).values(): made.result(60)
producer = Producer(at)
for n in range(10): producer.produce('t', b'v')
producer.flush(60)
consumer = Consumer({**at, 'group.id': 'g', 'group.protocol': 'consumer', 'auto.offset.reset': 'earliest', 'enable.auto.commit': False})
consumer.subscribe(['t'])
read = 0
signal.alarm(180)
while True:
    message = consumer.poll(0.2)
    if message is not None and message.error() is None:
        read += 1
        consumer.commit(message, asynchronous=False)
        if read == 10: open('ready', 'w').close()
PY
venv/bin/python member.py >member.log 2>&1 & member=$!
for _ in $(seq 120); do [ -e ready ] && break; kill -0 "$member" 2>/dev/null || { cat member.log; exit 1; }; sleep 1; done
[ -e ready ] || { echo 'the member has not read its 10 records'; tail kafka.log; exit 1; }
cat >admin.cjs <<'JS'
const { Kafka, logLevel } = require('kafkajs')
const main = async () => {
  const admin = new Kafka({ brokers: [process.env.BROKER], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const offset = async () => (await admin.fetchOffsets({ groupId: 'g', topics: ['t'] }))[0].partitions[0].offset
  for (const id of ['g', 'no-such-group']) {
    const [{ errorCode, state, members }] = (await admin.describeGroups([id])).groups
    console.log(`${id}: errorCode ${errorCode}, state ${state}, ${members.length} members`)
  }
  console.log(`offset before: ${await offset()}`)
  const answer = await admin.setOffsets({ groupId: 'g', topic: 't', partitions: [{ partition: 0, offset: '3' }] }).then(() => 'resolved', (error) => error.message)
  console.log(`setOffsets to 3: ${answer}`)
  console.log(`offset after: ${await offset()}`)
  await admin.disconnect()
}
main()
JS
cat >expected <<'TXT'
g: errorCode 0, state Dead, 0 members
no-such-group: errorCode 0, state Dead, 0 members
offset before: 10
setOffsets to 3: resolved
offset after: 10
TXT
timeout 120 node admin.cjs | tee seen
kill -0 "$member" || { echo 'the member has ended'; cat member.log; exit 1; }
diff expected seen || { echo 'CHANGED: kafkajs or the broker behaves differently now'; exit 1; }
echo 'as described: kafkajs 2.2.4 on Apache Kafka 4.4.0'
