import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.apicurio.registry.serde.Legacy4ByteIdHandler;
import io.apicurio.registry.serde.SerdeConfig;
import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import io.apicurio.registry.serde.config.IdOption;
import io.apicurio.registry.serde.jsonschema.JsonSchemaKafkaDeserializer;
import io.apicurio.registry.serde.jsonschema.JsonSchemaKafkaSerializer;
import io.apicurio.registry.serde.strategy.TopicIdStrategy;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.io.JsonEncoder;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Writes and reads records with the serializers of Apicurio Registry, set so that they write what Confluent's write: byte 0, the id in 4 bytes, the value.
 * Values in Avro are Avro's own JSON, as its JsonEncoder has it: a long is a number, bytes are characters, a branch of a union has its name.
 *
 * <pre>
 * avro-write brokers registry topic file   the file: the schema in its first line, then key, tab and value in each. Registers the schema for topic-value
 * avro-read brokers registry topic count   writes key, tab and value of the first records to standard output, in the schema that each was written with
 * json-write brokers registry topic file   the file: key, tab and value in each line; without a value, a tombstone. Checks them against the latest schema of topic-value
 * json-read brokers registry topic count   as avro-read; checks each value against the schema that it was written with
 * proto-write brokers registry topic source layout file   key, full name of the message, and value in JSON, of messages that the latest schema of source has. See ProtobufRecords
 * proto-read brokers registry topic count  as avro-read, with the full name of the message in front of the value
 * </pre>
 */
public final class RegistryRecords {
  public static void main(String[] args) throws Exception {
    switch (args[0]) {
      case "avro-write" -> writeAvro(args[1], args[2], args[3], Files.readAllLines(Path.of(args[4])));
      case "avro-read" -> readAvro(args[1], args[2], args[3], Integer.parseInt(args[4]));
      case "json-write" -> writeJson(args[1], args[2], args[3], Files.readAllLines(Path.of(args[4])));
      case "json-read" -> readJson(args[1], args[2], args[3], Integer.parseInt(args[4]));
      case "proto-write" ->
          ProtobufRecords.write(
              args[1], args[2], args[3], args[4], ProtobufRecords.Layout.valueOf(args[5]), Files.readAllLines(Path.of(args[6])));
      case "proto-read" -> ProtobufRecords.read(args[1], args[2], args[3], Integer.parseInt(args[4]));
      default -> throw new IllegalArgumentException(args[0]);
    }
  }

  private static void writeAvro(String brokers, String registry, String topic, List<String> lines) throws Exception {
    Schema schema = new Schema.Parser().parse(lines.get(0));
    AvroKafkaSerializer<Object> values = new AvroKafkaSerializer<>();
    Map<String, Object> settings = settings(registry);
    settings.put(SerdeConfig.AUTO_REGISTER_ARTIFACT, true);
    values.configure(settings, false);
    try (KafkaProducer<String, Object> producer = new KafkaProducer<>(client(brokers), new StringSerializer(), values)) {
      for (String line : lines.subList(1, lines.size())) {
        String[] parts = line.split("\t", 2);
        Object value =
            new GenericDatumReader<>(schema).read(null, DecoderFactory.get().jsonDecoder(schema, parts[1]));
        producer.send(new ProducerRecord<>(topic, parts[0], value)).get();
      }
    }
  }

  private static void readAvro(String brokers, String registry, String topic, int count) throws Exception {
    AvroKafkaDeserializer<Object> values = new AvroKafkaDeserializer<>();
    values.configure(settings(registry), false);
    read(brokers, topic, count, values, RegistryRecords::json);
  }

  private static void writeJson(String brokers, String registry, String topic, List<String> lines) throws Exception {
    JsonSchemaKafkaSerializer<JsonNode> values = new JsonSchemaKafkaSerializer<>();
    Map<String, Object> settings = settings(registry);
    settings.put(SerdeConfig.FIND_LATEST_ARTIFACT, true);
    values.configure(settings, false);
    ObjectMapper mapper = new ObjectMapper();
    try (KafkaProducer<String, JsonNode> producer =
        new KafkaProducer<>(client(brokers), new StringSerializer(), values)) {
      for (String line : lines) {
        String[] parts = line.split("\t", 2);
        JsonNode value = parts.length == 1 ? null : mapper.readTree(parts[1]);
        producer.send(new ProducerRecord<>(topic, parts[0], value)).get();
      }
    }
  }

  private static void readJson(String brokers, String registry, String topic, int count) throws Exception {
    JsonSchemaKafkaDeserializer<JsonNode> values = new JsonSchemaKafkaDeserializer<>();
    Map<String, Object> settings = settings(registry);
    settings.put(SerdeConfig.DESERIALIZER_SPECIFIC_VALUE_RETURN_CLASS, JsonNode.class);
    values.configure(settings, false);
    read(brokers, topic, count, values, JsonNode::toString);
  }

  interface Shown<T> {
    String of(T value) throws Exception;
  }

  static <T> void read(String brokers, String topic, int count, Deserializer<T> values, Shown<T> shown)
      throws Exception {
    try (KafkaConsumer<String, T> consumer = new KafkaConsumer<>(client(brokers), new StringDeserializer(), values)) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (PartitionInfo each : consumer.partitionsFor(topic)) partitions.add(new TopicPartition(topic, each.partition()));
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      for (int read = 0; read < count; ) {
        for (ConsumerRecord<String, T> record : consumer.poll(Duration.ofMillis(200))) {
          String value = record.value() == null ? "" : "\t" + shown.of(record.value());
          if (read++ < count) System.out.println(record.key() + value);
        }
      }
    }
  }

  static String json(Object value) throws Exception {
    Schema schema = org.apache.avro.generic.GenericData.get().induce(value);
    if (value instanceof org.apache.avro.generic.GenericContainer container) schema = container.getSchema();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    JsonEncoder encoder = EncoderFactory.get().jsonEncoder(schema, bytes);
    new GenericDatumWriter<>(schema).write(value, encoder);
    encoder.flush();
    return bytes.toString(StandardCharsets.UTF_8).replaceAll("\n\\s*", "");
  }

  static Map<String, Object> client(String brokers) {
    Map<String, Object> settings = new HashMap<>();
    settings.put("bootstrap.servers", brokers);
    return settings;
  }

  static Map<String, Object> settings(String registry) {
    Map<String, Object> settings = new HashMap<>();
    settings.put(SerdeConfig.REGISTRY_URL, registry);
    settings.put(SerdeConfig.ENABLE_HEADERS, false);
    settings.put(SerdeConfig.ID_HANDLER, Legacy4ByteIdHandler.class.getName());
    settings.put(SerdeConfig.USE_ID, IdOption.contentId.name());
    settings.put(SerdeConfig.ARTIFACT_RESOLVER_STRATEGY, TopicIdStrategy.class.getName());
    return settings;
  }
}
