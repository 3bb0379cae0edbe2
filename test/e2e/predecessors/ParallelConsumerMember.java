import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import java.io.FileOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * A member of a group with Confluent's Parallel Consumer. Writes `partition offset` to a file for each record that is done. Records whose key begins with
 * the prefix are never done.
 */
public final class ParallelConsumerMember {
  public static void main(String[] args) throws Exception {
    String brokers = args[0];
    String group = args[1];
    String topic = args[2];
    String stuckPrefix = args[4];
    FileOutputStream done = new FileOutputStream(args[3], true);
    Properties client = new Properties();
    client.put("bootstrap.servers", brokers);
    client.put("group.id", group);
    client.put("enable.auto.commit", "false");
    client.put("auto.offset.reset", "earliest");
    // A killed member gives its partitions to others as soon as the tests' brokers allow.
    client.put("session.timeout.ms", "6000");
    client.put("heartbeat.interval.ms", "1000");
    client.put("max.poll.records", "5000");
    KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(client, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    ParallelStreamProcessor<byte[], byte[]> processor =
        ParallelStreamProcessor.createEosStreamProcessor(
            ParallelConsumerOptions.<byte[], byte[]>builder()
                .consumer(consumer)
                .ordering(ProcessingOrder.KEY)
                .maxConcurrency(64)
                .messageBufferSize(20_000)
                .commitInterval(Duration.ofMillis(100))
                .build());
    processor.subscribe(List.of(topic));
    processor.poll(
        context -> {
          ConsumerRecord<byte[], byte[]> record = context.getSingleConsumerRecord();
          try {
            String key = new String(record.key(), StandardCharsets.UTF_8);
            if (!stuckPrefix.isEmpty() && key.startsWith(stuckPrefix)) new CountDownLatch(1).await();
            String line = record.partition() + " " + record.offset() + "\n";
            done.write(line.getBytes(StandardCharsets.US_ASCII));
          } catch (Exception error) {
            throw new IllegalStateException(error);
          }
        });
  }
}
