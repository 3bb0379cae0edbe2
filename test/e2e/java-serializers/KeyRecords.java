import io.apicurio.registry.serde.SerdeConfig;
import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/**
 * The same for records with keys and values in Avro: its serializer, configured for keys, registers the schema for topic-key. The default partitioner chooses.
 *
 * <pre>
 * write brokers registry topic file   the file: the key's schema, the value's, then key, tab and value in each line; an empty key is none. Writes the partition of each
 * read brokers registry topic count   writes partition, key and value of the first records, with tabs between them
 * </pre>
 */
public final class KeyRecords {
  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "write" -> write(args[1], args[2], args[3], Files.readAllLines(Path.of(args[4])));
      case "read" -> read(args[1], args[2], args[3], Integer.parseInt(args[4]));
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  private static void write(String brokers, String registry, String topic, List<String> lines) throws Exception {
    Schema keySchema = new Schema.Parser().parse(lines.get(0));
    Schema valueSchema = new Schema.Parser().parse(lines.get(1));
    Map<String, Object> settings = RegistryRecords.settings(registry);
    settings.put(SerdeConfig.AUTO_REGISTER_ARTIFACT, true);
    AvroKafkaSerializer<Object> keys = new AvroKafkaSerializer<>();
    keys.configure(settings, true);
    AvroKafkaSerializer<Object> values = new AvroKafkaSerializer<>();
    values.configure(settings, false);
    try (KafkaProducer<Object, Object> producer = new KafkaProducer<>(RegistryRecords.client(brokers), keys, values)) {
      for (String line : lines.subList(2, lines.size())) {
        String[] parts = line.split("\t", 2);
        Object key = parts[0].isEmpty() ? null : datum(keySchema, parts[0]);
        System.out.println(producer.send(new ProducerRecord<>(topic, key, datum(valueSchema, parts[1]))).get().partition());
      }
    }
  }

  private static Object datum(Schema schema, String json) throws Exception {
    return new GenericDatumReader<>(schema).read(null, DecoderFactory.get().jsonDecoder(schema, json));
  }

  private static void read(String brokers, String registry, String topic, int count) throws Exception {
    AvroKafkaDeserializer<Object> keys = new AvroKafkaDeserializer<>();
    keys.configure(RegistryRecords.settings(registry), true);
    AvroKafkaDeserializer<Object> values = new AvroKafkaDeserializer<>();
    values.configure(RegistryRecords.settings(registry), false);
    try (KafkaConsumer<Object, Object> consumer = new KafkaConsumer<>(RegistryRecords.client(brokers), keys, values)) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (PartitionInfo each : consumer.partitionsFor(topic)) partitions.add(new TopicPartition(topic, each.partition()));
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      for (int read = 0; read < count; ) {
        for (ConsumerRecord<Object, Object> record : consumer.poll(Duration.ofMillis(200))) {
          String key = record.key() == null ? "" : RegistryRecords.json(record.key());
          if (read++ < count) System.out.println(record.partition() + "\t" + key + "\t" + RegistryRecords.json(record.value()));
        }
      }
    }
  }
}
