#!/usr/bin/env bash
# librdkafka 2.16.0 (in confluent-kafka 2.16.1, PyPI), group.protocol=consumer (KIP-848), on Apache Kafka 4.4.0 (Maven Central).
# Needs Python 3 with venv, Java 17 and Maven; takes four minutes. Seen with librdkafka 2.15.1 (confluent-kafka 2.15.1), too.
#
# Guess: a member whose answer with a new assignment comes too late is told again soon. A client sends all its fields after any error, time-outs
#        named (KIP-848, and Kafka's GroupMetadataManager); the broker then repeats the assignment, which it else sends only when it changes.
# Seen:  an answer that is later than the heartbeat interval (5 s as brokers have it) is dropped, and the heartbeats after it say nothing:
#        give: who is to give a partition up keeps both until the group expels it after max.poll.interval.ms (5 minutes; 30 s here), and
#              loses all. Whoever waits for the partition reads nothing meanwhile.
#        gain: who has been given one more partition at the same epoch never hears of it. The broker says that the member has it, nothing
#              expels it, and nobody reads the partition.
#        Once a connection ends while a heartbeat is under way, the next one says everything, and the broker answers: so it is the client.
# So:    after a broker that was slow for seconds, a partition whose lag grows while the group is stable may be one that its owner has never
#        heard of. Start that member again.
set -euo pipefail
dir=$(mktemp -d); broker=
cleanup() { [ -z "$broker" ] || kill "$broker" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"; }
trap cleanup EXIT; cd "$dir"
python3 -m venv venv && venv/bin/pip install -q confluent-kafka==2.16.1
cat >pom.xml <<'XML'
<project><modelVersion>4.0.0</modelVersion><groupId>f</groupId><artifactId>f</artifactId><version>1</version>
<dependencies><dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.4.0</version></dependency></dependencies></project>
XML
mvn -q -B dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=jars >mvn.log 2>&1 || { tail -20 mvn.log; exit 1; }
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# Members that use FRONT go through the proxy, which passes to BEHIND; the others go to the broker itself.
export DIRECT=127.0.0.1:$(port) BEHIND=127.0.0.1:$(port) FRONT=127.0.0.1:$(port); controller=$(port)
cat >server.properties <<TXT
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://$DIRECT,BEHIND://$BEHIND,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://$DIRECT,BEHIND://$FRONT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,BEHIND:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs=$dir/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
TXT
java -cp 'jars/*' kafka.tools.StorageTool format -t AAAAAAAAAAAAAAAAAAAAAQ -c server.properties >format.log 2>&1
java -Xmx512m -cp 'jars/*' kafka.Kafka server.properties >kafka.log 2>&1 & broker=$!
cat >proxy.py <<'PY'
import asyncio, struct, threading
HEARTBEAT, LATE_SECONDS = 68, 8

class Proxy:
    """Passes everything on. With harm 'late' it keeps one heartbeat's answer, if that gives an assignment; with 'end' it ends a connection instead
    of passing any heartbeat's answer."""
    def __init__(self, front, behind):
        self.front, self.behind, self.harm = front.split(':'), behind.split(':'), None
        self.full = self.bare = 0  # heartbeats since then: those that say everything, and others
        serves = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self.serve(serves)), daemon=True).start()
        serves.wait(30)

    async def serve(self, serves):
        await asyncio.start_server(self.join, *self.front)
        serves.set()
        await asyncio.Event().wait()

    async def join(self, *client):
        broker, keys = await asyncio.open_connection(*self.behind), {}
        await asyncio.gather(self.requests(client[0], broker[1], keys), self.answers(broker[0], client[1], keys), return_exceptions=True)

    async def requests(self, reader, writer, keys):
        try:
            while True:
                frame = await read_frame(reader)
                key, _, correlation, length = struct.unpack_from('>hhih', frame, 4)
                keys[correlation] = key
                if key == HEARTBEAT: self.count(frame, 15 + length)
                writer.write(frame)
        finally: writer.close()

    def count(self, frame, at):
        at = skip(frame, skip(frame, at)) + 4  # group, member, epoch
        at = skip(frame, skip(frame, at))  # instance, rack
        if struct.unpack_from('>i', frame, at)[0] == -1: self.bare += 1  # no rebalance time-out
        else: self.full += 1

    async def answers(self, reader, writer, keys):
        try:
            while True:
                frame = await read_frame(reader)
                key = keys.pop(struct.unpack_from('>i', frame, 4)[0])
                if key != HEARTBEAT or not (self.harm == 'end' or self.harm == 'late' and gives_assignment(frame)): writer.write(frame)
                else:
                    harm, self.harm, self.full, self.bare = self.harm, None, 0, 0
                    if harm == 'end': return
                    asyncio.get_running_loop().call_later(LATE_SECONDS, writer.write, frame)
        finally: writer.close()

def gives_assignment(frame):  # behind the header: throttle time, error and its message, member, epoch, heartbeat interval, assignment
    return frame[skip(frame, skip(frame, 15)) + 8] == 1

def skip(frame, at): return at + max(frame[at], 1)  # a compact string of up to 126 bytes

async def read_frame(reader):
    head = await reader.readexactly(4)
    return head + await reader.readexactly(struct.unpack('>i', head)[0])
PY
cat >members.py <<'PY'
import os, time
from confluent_kafka import Consumer, Producer, libversion
from confluent_kafka.admin import AdminClient, NewTopic
from proxy import Proxy

direct, front = os.environ['DIRECT'], os.environ['FRONT']
proxy = Proxy(front, os.environ['BEHIND'])
admin, producer = AdminClient({'bootstrap.servers': direct}), Producer({'bootstrap.servers': direct})
members = []

class Member:
    def __init__(self, name, brokers, topic):
        self.name, self.held, self.read, self.lost, self.polls = name, set(), set(), 0, True
        self.consumer = Consumer({'bootstrap.servers': brokers, 'group.id': topic, 'client.id': name, 'group.protocol': 'consumer',
                                  'max.poll.interval.ms': 30000, 'enable.auto.commit': False, 'auto.offset.reset': 'earliest'})
        self.consumer.subscribe([topic], on_assign=self.gain, on_revoke=self.give, on_lost=self.lose)
        members.append(self)
    def gain(self, _, partitions): self.held |= {each.partition for each in partitions}
    def give(self, _, partitions): self.held -= {each.partition for each in partitions}
    def lose(self, _, partitions):
        self.lost += len(partitions)
        self.give(_, partitions)
    def poll(self):
        record = self.consumer.poll(0.02) if self.polls else None
        if record is not None and record.error() is None: self.read.add((record.partition(), record.value()))

def turn(seconds, test=lambda: False):
    start = time.monotonic()
    while not test() and time.monotonic() - start < seconds:
        for each in members: each.poll()
        time.sleep(0.005)
    return time.monotonic() - start

def until(what, test):
    took = turn(120, test)
    assert test(), f'{what}: not within 120 s'
    return took

def create(topic, partitions): admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(60)

def write(topic, partitions, value):
    for partition in range(partitions): producer.produce(topic, value, partition=partition)
    assert producer.flush(60) == 0

def close():
    for each in members: each.consumer.close()
    members.clear()

topic = 'give'
create(topic, 2)
a = Member('a', front, topic)
until('a has both', lambda: len(a.held) == 2)
turn(12)  # its heartbeats say nothing by now
proxy.harm = 'late'
b = Member('b', direct, topic)
took = until('b has one', lambda: len(b.held) == 1)
print(f'give: b has its partition {"after 25 s and more" if took > 25 else "sooner"}; a has lost {a.lost}', flush=True)
close()

topic = 'gain'
create(topic, 6)
a, b = Member('a', direct, topic), Member('b', direct, topic)
until('three for each', lambda: len(a.held) == len(b.held) == 3)
b.polls = False  # so that what b gives up comes second
c = Member('c', front, topic)
until('c has one', lambda: len(c.held) == 1)
turn(12)
proxy.harm, b.polls = 'late', True
until('b has given one up', lambda: len(b.held) == 2)
until('the answer is held back', lambda: proxy.harm is None)
turn(10)
write(topic, 6, b'new')
turn(50)
read = lambda: {partition for each in members for partition, value in each.read if value == b'new'}
owned = {each.client_id: len(each.assignment.topic_partitions) for each in admin.describe_consumer_groups([topic])[topic].result(60).members}
print(f'gain: a minute later c has {len(c.held)}, the broker says {owned["c"]}; partitions that nobody reads: {6 - len(read())}')
print(f'      heartbeats of c since then: {proxy.full} say everything, {"at least 10" if proxy.bare >= 10 else proxy.bare} do not', flush=True)
proxy.harm = 'end'
until('c has two', lambda: len(c.held) == 2)
until('all is read', lambda: len(read()) == 6)
print('      a connection ended while a heartbeat was under way: c has 2, and all is read')
print(f'librdkafka {libversion()[0]}')
close()
PY
cat >expected <<'TXT'
give: b has its partition after 25 s and more; a has lost 2
gain: a minute later c has 1, the broker says 2; partitions that nobody reads: 1
      heartbeats of c since then: 0 say everything, at least 10 do not
      a connection ended while a heartbeat was under way: c has 2, and all is read
librdkafka 2.16.0
TXT
timeout 500 venv/bin/python members.py 2>members.log | tee seen
diff expected seen || { echo 'CHANGED: librdkafka or the broker behaves differently now'; cat members.log; exit 1; }
echo 'as described: librdkafka 2.16.0 on Apache Kafka 4.4.0'
