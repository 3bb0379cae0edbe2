import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.util.JsonFormat;
import com.squareup.wire.schema.internal.parser.MessageElement;
import com.squareup.wire.schema.internal.parser.ProtoFileElement;
import com.squareup.wire.schema.internal.parser.ProtoParser;
import com.squareup.wire.schema.internal.parser.TypeElement;
import io.apicurio.registry.resolver.ParsedSchema;
import io.apicurio.registry.resolver.SchemaParser;
import io.apicurio.registry.resolver.strategy.ArtifactReference;
import io.apicurio.registry.serde.SerdeConfig;
import io.apicurio.registry.serde.protobuf.ProtobufKafkaDeserializer;
import io.apicurio.registry.serde.protobuf.ProtobufKafkaSerializer;
import io.apicurio.registry.serde.protobuf.ProtobufSchemaParser;
import io.apicurio.registry.utils.protobuf.schema.FileDescriptorUtils;
import io.apicurio.registry.utils.protobuf.schema.FileDescriptorUtils.ProtobufSchemaContent;
import io.apicurio.registry.utils.protobuf.schema.ProtobufSchema;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Writes and reads Protobuf by Google's own library and the serializers of Apicurio Registry. These say in a message of their own which message a value is; here it is
 * said as Confluent's say it: by indexes behind the id, or by one byte 0 for the first message of the file. Schemas are read by Apicurio, which uses Square's Wire.
 */
final class ProtobufRecords {
  /** How a value says which message it is. */
  enum Layout {
    CONFLUENT,
    /** The indexes of the first message in full: no short form. */
    CONFLUENT_IN_FULL,
    APICURIO,
  }

  /**
   * @param source the subject from which messages are known; where it is not that of the topic, Java registers the schema as Wire writes it
   * @param lines key, full name of the message, and value in JSON each, between tabs
   */
  static void write(String brokers, String registry, String topic, String source, Layout layout, List<String> lines)
      throws Exception {
    Map<String, Object> settings = RegistryRecords.settings(registry);
    boolean isRegistered = source.equals(topic + "-value");
    settings.put(isRegistered ? SerdeConfig.FIND_LATEST_ARTIFACT : SerdeConfig.AUTO_REGISTER_ARTIFACT, true);
    Written values = new Written(layout);
    values.configure(settings, false);
    FileDescriptor file = values.file(source);
    JsonFormat.Parser json = JsonFormat.parser().usingTypeRegistry(types(file));
    Serializer<DynamicMessage> serializer = values;
    try (KafkaProducer<String, DynamicMessage> producer =
        new KafkaProducer<>(RegistryRecords.client(brokers), new StringSerializer(), serializer)) {
      for (String line : lines) {
        String[] parts = line.split("\t", 3);
        DynamicMessage.Builder value = DynamicMessage.newBuilder(found(file, parts[1]));
        json.merge(parts[2], value);
        producer.send(new ProducerRecord<>(topic, parts[0], value.build())).get();
      }
    }
  }

  static void read(String brokers, String registry, String topic, int count) throws Exception {
    Read values = new Read();
    values.configure(RegistryRecords.settings(registry), false);
    RegistryRecords.read(brokers, topic, count, values, ProtobufRecords::json);
  }

  /** Full name of the message, and the value in JSON, between tabs. */
  private static String json(DynamicMessage value) throws IOException {
    Descriptor type = value.getDescriptorForType();
    JsonFormat.Printer printer = JsonFormat.printer().usingTypeRegistry(types(type.getFile()));
    return type.getFullName() + "\t" + printer.omittingInsignificantWhitespace().print(value);
  }

  private static JsonFormat.TypeRegistry types(FileDescriptor file) {
    JsonFormat.TypeRegistry.Builder types = JsonFormat.TypeRegistry.newBuilder().add(file.getMessageTypes());
    for (FileDescriptor each : file.getDependencies()) types.add(each.getMessageTypes());
    return types.build();
  }

  private static Descriptor found(FileDescriptor file, String fullName) {
    String scope = file.getPackage().isEmpty() ? "" : file.getPackage() + ".";
    Descriptor found = null;
    for (String name : fullName.substring(scope.length()).split("\\.")) {
      found = found == null ? file.findMessageTypeByName(name) : found.findNestedTypeByName(name);
    }
    return found;
  }

  /** By the text of the schema, as Confluent's do it: the descriptor that Apicurio makes has messages of imported files among its own. Entries of maps do not count. */
  private static List<Integer> indexesOf(ProtoFileElement file, Descriptor type) {
    List<Integer> indexes = new ArrayList<>();
    List<MessageElement> messages = messages(file.getTypes());
    for (String name : path(type)) {
      MessageElement found = messages.stream().filter(each -> each.getName().equals(name)).findFirst().orElseThrow();
      indexes.add(messages.indexOf(found));
      messages = messages(found.getNestedTypes());
    }
    return indexes;
  }

  private static Descriptor indexed(ProtobufSchema schema, List<Integer> indexes) {
    List<MessageElement> messages = messages(schema.getProtoFileElement().getTypes());
    Descriptor type = null;
    for (int index : indexes) {
      MessageElement found = messages.get(index);
      FileDescriptor file = schema.getFileDescriptor();
      type = type == null ? file.findMessageTypeByName(found.getName()) : type.findNestedTypeByName(found.getName());
      messages = messages(found.getNestedTypes());
    }
    return type;
  }

  private static List<MessageElement> messages(List<TypeElement> types) {
    List<MessageElement> messages = new ArrayList<>();
    for (TypeElement each : types) {
      boolean isEntry = each.getOptions().stream().anyMatch(option -> option.getName().equals("map_entry"));
      if (each instanceof MessageElement message && !isEntry) messages.add(message);
    }
    return messages;
  }

  /** Names without the package, outermost first. */
  private static List<String> path(Descriptor type) {
    List<String> names = new ArrayList<>();
    for (Descriptor each = type; each != null; each = each.getContainingType()) names.add(each.getName());
    Collections.reverse(names);
    return names;
  }

  private static final class Written extends ProtobufKafkaSerializer<DynamicMessage> {
    private final Layout layout;

    Written(Layout layout) {
      this.layout = layout;
    }

    FileDescriptor file(String subject) {
      ArtifactReference latest = ArtifactReference.builder().artifactId(subject).build();
      return getSchemaResolver().resolveSchemaByArtifactReference(latest).getParsedSchema().getParsedSchema().getFileDescriptor();
    }

    @Override
    public SchemaParser<ProtobufSchema, DynamicMessage> schemaParser() {
      return new Parser();
    }

    @Override
    protected void serializeData(ParsedSchema<ProtobufSchema> schema, DynamicMessage value, OutputStream out)
        throws IOException {
      if (layout == Layout.APICURIO) {
        super.serializeData(schema, value, out);
        return;
      }
      List<Integer> indexes = indexesOf(schema.getParsedSchema().getProtoFileElement(), value.getDescriptorForType());
      CodedOutputStream coded = CodedOutputStream.newInstance(out);
      boolean isFirst = indexes.equals(List.of(0));
      if (isFirst && layout == Layout.CONFLUENT) coded.writeSInt32NoTag(0);
      else {
        coded.writeSInt32NoTag(indexes.size());
        for (int index : indexes) coded.writeSInt32NoTag(index);
      }
      value.writeTo(coded);
      coded.flush();
    }
  }

  private static final class Read extends ProtobufKafkaDeserializer<DynamicMessage> {
    @Override
    public SchemaParser<ProtobufSchema, DynamicMessage> schemaParser() {
      return new Parser();
    }

    @Override
    protected DynamicMessage internalReadData(
        Headers headers, ParsedSchema<ProtobufSchema> schema, ByteBuffer buffer, int start, int length) {
      try {
        CodedInputStream in = CodedInputStream.newInstance(buffer.array(), start, length);
        int count = in.readSInt32();
        List<Integer> indexes = new ArrayList<>();
        for (int level = 0; level < count; level++) indexes.add(in.readSInt32());
        Descriptor type = indexed(schema.getParsedSchema(), count == 0 ? List.of(0) : indexes);
        return DynamicMessage.parseFrom(type, in);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** Apicurio's own does not find messages of schemas that name others. Files are found whose folder is called as their package: shop/common.proto of package shop. */
  private static final class Parser extends ProtobufSchemaParser<DynamicMessage> {
    @Override
    public ProtobufSchema parseSchema(byte[] raw, Map<String, ParsedSchema<ProtobufSchema>> references) {
      String text = new String(raw, StandardCharsets.UTF_8);
      Map<String, ProtobufSchemaContent> named = new HashMap<>();
      references.forEach((name, each) -> collect(name, each, named));
      try {
        FileDescriptor file =
            FileDescriptorUtils.parseProtoFileWithDependencies(
                ProtobufSchemaContent.of("schema.proto", text), named.values());
        return new ProtobufSchema(
            file, ProtoParser.Companion.parse(FileDescriptorUtils.DEFAULT_LOCATION, text));
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }

    private static void collect(
        String name, ParsedSchema<ProtobufSchema> schema, Map<String, ProtobufSchemaContent> named) {
      String text = new String(schema.getRawSchema(), StandardCharsets.UTF_8);
      named.put(name, ProtobufSchemaContent.of(name.substring(name.lastIndexOf('/') + 1), text));
      List<ParsedSchema<ProtobufSchema>> inner = schema.getSchemaReferences();
      if (inner != null) for (ParsedSchema<ProtobufSchema> each : inner) collect(each.referenceName(), each, named);
    }
  }
}
