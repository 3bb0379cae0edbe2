import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelConsumerOptions.CommitMode;
import io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Confluent's Parallel Consumer as a peer of the benchmark. Speaks the protocol of protocol.ts, and counts as meter.ts does. */
public final class ParallelConsumerPeer {
  private static final int SAMPLE_MS = 5;
  private static final long PROGRESS_MS = 200;
  private static final long CALIBRATE_MS = 1_000;
  private static final long ORPHAN_MS = 60_000;
  private static final int BUCKETS = 1_000;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final JsonNode settings;
  private final String work;
  private final boolean stuckKey;
  private final boolean latency;
  private final FileOutputStream ledger;
  private final LongAdder done = new LongAdder();
  private final LongAdder violations = new LongAdder();
  private final LongAdder repeats = new LongAdder();
  private final AtomicIntegerArray last;
  private final AtomicIntegerArray running;
  private final AtomicIntegerArray buckets = new AtomicIntegerArray(BUCKETS);
  private volatile boolean started;

  private ParallelConsumerPeer(JsonNode settings) throws IOException {
    this.settings = settings;
    work = settings.get("work").asText();
    stuckKey = settings.get("stuckKey").asBoolean();
    latency = settings.get("latency").asBoolean();
    String path = settings.get("ledger").asText();
    ledger = path.isEmpty() ? null : new FileOutputStream(path, true);
    int keys = settings.get("keys").asInt();
    last = new AtomicIntegerArray(keys);
    running = new AtomicIntegerArray(keys);
  }

  public static void main(String[] args) throws Exception {
    ParallelConsumerPeer peer = new ParallelConsumerPeer(JSON.readTree(args[0]));
    if (peer.settings.get("mode").asText().equals("calibrate")) {
      peer.calibrate();
      System.exit(0);
    }
    peer.consume();
    peer.watch();
  }

  private void consume() {
    Properties client = new Properties();
    client.put("bootstrap.servers", settings.get("brokers").asText());
    client.put("group.id", settings.get("group").asText());
    client.put("enable.auto.commit", "false");
    client.put("auto.offset.reset", "earliest");
    // As soon as the broker's own limit for the members of the other protocol.
    client.put("session.timeout.ms", "6000");
    client.put("heartbeat.interval.ms", "500");
    KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(client, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    String outputs = settings.get("outputs").asText();
    ParallelConsumerOptions.ParallelConsumerOptionsBuilder<byte[], byte[]> options =
        ParallelConsumerOptions.<byte[], byte[]>builder()
            .consumer(consumer)
            .ordering(ProcessingOrder.KEY)
            .maxConcurrency(settings.get("concurrency").asInt())
            .commitInterval(Duration.ofMillis(settings.get("commitMs").asLong()));
    if (!outputs.isEmpty()) {
      boolean transactional = Boolean.getBoolean("transactional");
      options.producer(producer(transactional));
      if (transactional) options.commitMode(CommitMode.PERIODIC_TRANSACTIONAL_PRODUCER);
    }
    ParallelStreamProcessor<byte[], byte[]> processor =
        ParallelStreamProcessor.createEosStreamProcessor(options.build());
    processor.subscribe(List.of(settings.get("topic").asText()));
    if (outputs.isEmpty()) {
      processor.poll(context -> handle(context.value()));
      return;
    }
    processor.pollAndProduce(
        context -> {
          handle(context.value());
          return new ProducerRecord<>(outputs, context.key(), context.value());
        });
  }

  private KafkaProducer<byte[], byte[]> producer(boolean transactional) {
    Properties client = new Properties();
    client.put("bootstrap.servers", settings.get("brokers").asText());
    client.put("enable.idempotence", "true");
    if (transactional) client.put("transactional.id", settings.get("group").asText());
    return new KafkaProducer<>(client, new ByteArraySerializer(), new ByteArraySerializer());
  }

  private void handle(byte[] bytes) {
    try {
      JsonNode value = JSON.readTree(bytes);
      int key = value.get("k").asInt();
      int number = value.get("n").asInt();
      started = true;
      if (key < 0) return;
      begin(key, number);
      if (stuckKey && key == 0) new CountDownLatch(1).await();
      int amount = value.get("w").asInt();
      if (work.equals("sleep") && amount > 0) Thread.sleep(amount);
      if (work.equals("sha256")) hash(amount);
      end(value, key, number);
    } catch (Exception error) {
      fail(error);
    }
  }

  private void begin(int key, int number) {
    int before = last.get(key);
    if (running.getAndSet(key, 1) != 0) violations.increment();
    else if (number <= before) repeats.increment();
    // Who goes on after a crash begins anywhere in a key, and passes over what was done before.
    else if (number != before + 1 && ledger == null) violations.increment();
  }

  private void end(JsonNode value, int key, int number) throws IOException {
    last.set(key, number);
    running.set(key, 0);
    if (latency) buckets.incrementAndGet(bucketOf(System.nanoTime() / 1_000 - value.get("t").asLong()));
    if (ledger != null) {
      String line = value.get("i").asInt() + " " + System.nanoTime() / 1_000 + "\n";
      ledger.write(line.getBytes(StandardCharsets.US_ASCII));
    }
    done.increment();
  }

  private static int bucketOf(long us) {
    if (us <= 10) return 0;
    return Math.min(BUCKETS - 1, (int) Math.ceil(Math.log(us / 10.0) / Math.log(1.02)));
  }

  private static void hash(int rounds) throws Exception {
    MessageDigest sha = MessageDigest.getInstance("SHA-256");
    byte[] digest = new byte[32];
    for (int round = 0; round < rounds; round += 1) digest = sha.digest(digest);
  }

  /** Samples count and time together, as watch() in peer.ts does. */
  private void watch() throws InterruptedException {
    long warmUpRecords = settings.get("warmUpRecords").asLong();
    long lastRecord = settings.get("lastRecord").asLong();
    double warmUpMs = settings.get("warmUpMs").asDouble();
    double limitMs = settings.get("limitMs").asDouble();
    double startedAt = -1;
    double from = -1;
    double saidAt = 0;
    long doneBefore = 0;
    for (; ; Thread.sleep(SAMPLE_MS)) {
      double now = System.nanoTime() / 1e6;
      long count = done.sum();
      if (startedAt < 0) {
        if (!started) continue;
        startedAt = now;
        say("{\"kind\":\"started\"}");
      }
      if (from < 0) {
        if (count < warmUpRecords && now - startedAt < warmUpMs) continue;
        from = now;
        doneBefore = count;
        for (int bucket = 0; bucket < BUCKETS; bucket += 1) buckets.set(bucket, 0);
        say("{\"kind\":\"measuring\",\"done\":" + count + "}");
      }
      if (count >= lastRecord || now - from >= limitMs) {
        say(result(count - doneBefore, now - from));
        // The runner ends it now. If there is no runner any more, it ends by itself.
        Thread.sleep(ORPHAN_MS);
        System.exit(0);
      }
      if (now - saidAt >= PROGRESS_MS) {
        saidAt = now;
        say("{\"kind\":\"progress\",\"done\":" + count + ",\"violations\":" + violations.sum() + "}");
      }
    }
  }

  private String result(long measured, double elapsedMs) {
    StringBuilder counts = new StringBuilder();
    for (int bucket = 0; bucket < BUCKETS; bucket += 1) {
      if (buckets.get(bucket) == 0) continue;
      if (counts.length() > 0) counts.append(',');
      counts.append('[').append(bucket).append(',').append(buckets.get(bucket)).append(']');
    }
    return "{\"kind\":\"done\",\"done\":" + done.sum() + ",\"measured\":" + measured + ",\"elapsedMs\":" + elapsedMs
        + ",\"violations\":" + violations.sum() + ",\"repeats\":" + repeats.sum() + ",\"latency\":[" + counts + "]}";
  }

  private void calibrate() throws Exception {
    int min = settings.get("workMin").asInt();
    int span = settings.get("workMax").asInt() - min + 1;
    boolean hashing = work.equals("sha256");
    int chains = hashing ? 1 : Math.min(settings.get("keys").asInt(), settings.get("concurrency").asInt());
    // The compiler must have seen it first.
    for (int round = 0; hashing && round < 200_000; round += 1_000) hash(1_000);
    LongAdder count = new LongAdder();
    long startedAt = System.nanoTime();
    Thread[] threads = new Thread[chains];
    for (int chain = 0; chain < chains; chain += 1) {
      int first = chain;
      threads[chain] =
          new Thread(
              () -> {
                try {
                  for (int i = first; System.nanoTime() - startedAt < CALIBRATE_MS * 1_000_000; i += 1) {
                    int amount = min + i % span;
                    if (hashing) hash(amount);
                    else if (amount > 0) Thread.sleep(amount);
                    count.increment();
                  }
                } catch (Exception error) {
                  fail(error);
                }
              });
      threads[chain].start();
    }
    for (Thread thread : threads) thread.join();
    double elapsedMs = (System.nanoTime() - startedAt) / 1e6;
    say("{\"kind\":\"calibrated\",\"perSecond\":" + count.sum() / elapsedMs * 1_000
        + ",\"latencyMs\":" + chains * elapsedMs / count.sum() + "}");
  }

  private static synchronized void say(String line) {
    System.out.println(line);
    if (System.out.checkError()) System.exit(1);
  }

  private static void fail(Exception error) {
    say("{\"kind\":\"failed\",\"why\":" + JSON.valueToTree(error.toString()) + "}");
    System.exit(1);
  }
}
