#!/usr/bin/env bash
# Apicurio Registry 2.6.13 with its serializer for Protobuf in Java (Maven Central), beside @confluentinc/schemaregistry 1.10.1 (npm),
# through the registry's interface for Confluent's clients. Needs Node, a JDK from 17 on, and Maven.
#
# Guess: with `as-confluent` the serializer writes what Confluent's do, so that Confluent's package reads it; each message of a file can
#        be written, also one inside another; and what Confluent's package writes with a schema of this registry, it can read.
# Seen:  behind the id stands, in place of Confluent's message indexes, a length and a message with the name (10 is its tag). It is the
#        name alone, without those around it. So a message inside another is refused in writing ("Missing message type"), or, where the
#        file has one of the same name outside, is read as that. Confluent's package refuses the indexes, and does not read even its own
#        values: it asks for the schema in binary form (`format=serialized`), and the registry answers with the text. The registry takes
#        a schema with a type that is nowhere defined.
# So:    with Apicurio's serializer, a record is no message that stands inside another. With Confluent's package let it register its
#        schemas itself. Compile a schema before it is registered.
set -euo pipefail
dir=$(mktemp -d); registry=
cleanup() { [ -z "$registry" ] || kill "$registry" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$dir"; }
trap cleanup EXIT; cd "$dir"
npm init -y >npm.log 2>&1
npm install --no-audit --no-fund --ignore-scripts @confluentinc/schemaregistry@1.10.1 @bufbuild/protobuf@2.17.0 >>npm.log 2>&1 || { cat npm.log; exit 1; }
cat >pom.xml <<'XML'
<project><modelVersion>4.0.0</modelVersion><groupId>f</groupId><artifactId>f</artifactId><version>1</version><dependencies>
<dependency><groupId>io.apicurio</groupId><artifactId>apicurio-registry-serdes-protobuf-serde</artifactId><version>2.6.13.Final</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.13</version></dependency></dependencies></project>
XML
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.8.1
{ mvn -q -B $plugin:copy-dependencies -DincludeScope=runtime -DoutputDirectory=jars &&
  mvn -q -B $plugin:unpack -Dartifact=io.apicurio:apicurio-registry-app:2.6.13.Final:tar.gz:all -DoutputDirectory=app; } >mvn.log 2>&1 ||
  { tail -20 mvn.log; exit 1; }
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
java -XX:TieredStopAtLevel=1 -Xmx256m -Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$port" -jar app/apicurio-registry-app-2.6.13.Final-runner.jar \
  >registry.log 2>&1 & registry=$!
export REGISTRY=http://127.0.0.1:$port
for _ in $(seq 120); do curl -sf "$REGISTRY/apis/ccompat/v7/subjects" >/dev/null && break; sleep 1; done
cat >Main.java <<'JAVA'
import com.google.protobuf.DescriptorProtos.*;
import com.google.protobuf.Descriptors.*;
import com.google.protobuf.DynamicMessage;
import io.apicurio.registry.serde.SerdeConfig;
import io.apicurio.registry.serde.config.IdOption;
import io.apicurio.registry.serde.protobuf.*;
import io.apicurio.registry.serde.strategy.TopicIdStrategy;
import java.nio.file.*;
import java.util.*;

public class Main {
  static DescriptorProto.Builder message(String name) {
    FieldDescriptorProto.Builder id = FieldDescriptorProto.newBuilder().setName("id").setNumber(1).setType(FieldDescriptorProto.Type.TYPE_STRING);
    return DescriptorProto.newBuilder().setName(name).addField(id.setLabel(FieldDescriptorProto.Label.LABEL_OPTIONAL));
  }

  public static void main(String[] args) throws Exception {
    FileDescriptorProto.Builder proto = FileDescriptorProto.newBuilder().setName("shop.proto").setPackage("shop").setSyntax("proto3");
    proto.addMessageType(message("Order").addNestedType(message("Line"))).addMessageType(message("Refund").addNestedType(message("Order")));
    FileDescriptor file = FileDescriptor.buildFrom(proto.build(), new FileDescriptor[0]);
    Descriptor order = file.findMessageTypeByName("Order"), refund = file.findMessageTypeByName("Refund");
    Map<String, Object> settings = new HashMap<>();
    settings.put(SerdeConfig.REGISTRY_URL, System.getenv("REGISTRY") + "/apis/registry/v2");
    settings.put(SerdeConfig.ENABLE_HEADERS, false);
    settings.put(SerdeConfig.ENABLE_CONFLUENT_ID_HANDLER, true);
    settings.put(SerdeConfig.USE_ID, IdOption.contentId.name());
    settings.put(SerdeConfig.ARTIFACT_RESOLVER_STRATEGY, TopicIdStrategy.class.getName());
    settings.put(SerdeConfig.AUTO_REGISTER_ARTIFACT, true);
    ProtobufKafkaSerializer<DynamicMessage> serializer = new ProtobufKafkaSerializer<>();
    ProtobufKafkaDeserializer<DynamicMessage> deserializer = new ProtobufKafkaDeserializer<>();
    serializer.configure(settings, false);
    deserializer.configure(settings, false);
    for (Descriptor type : List.of(order, refund, order.findNestedTypeByName("Line"), refund.findNestedTypeByName("Order"))) {
      try {
        byte[] value = serializer.serialize("java", DynamicMessage.newBuilder(type).setField(type.findFieldByName("id"), "o1").build());
        System.out.println(type.getFullName() + " in Java: " + HexFormat.of().formatHex(value, 5, value.length) + ", read as "
            + deserializer.deserialize("java", value).getDescriptorForType().getFullName());
        if (type == order) Files.write(Path.of("value"), value);
      } catch (Exception e) {
        System.out.println(type.getFullName() + " in Java: " + e.getMessage());
      }
    }
    System.exit(0);
  }
}
JAVA
cat >main.mjs <<'JS'
import { readFileSync } from 'node:fs'
import { create, createFileRegistry } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { ProtobufDeserializer, ProtobufSerializer, SchemaRegistryClient, SerdeType } from '@confluentinc/schemaregistry'
const url = `${process.env.REGISTRY}/apis/ccompat/v7`
const register = async (subject, schema) => {
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
  const response = await fetch(`${url}/subjects/${subject}/versions`, { method: 'POST', headers, body: JSON.stringify({ schemaType: 'PROTOBUF', schema }) })
  return response.json()
}
const client = new SchemaRegistryClient({ baseURLs: [url] })
const deserializer = new ProtobufDeserializer(client, SerdeType.VALUE, {})
const tried = (done) => done.then((value) => `id ${value.id}`, (error) => `${error.name}: ${error.message}`)
console.log(`shop.Order of Java in JavaScript: ${await tried(deserializer.deserialize('java', readFileSync('value')))}`)

const { id } = await register('text-value', 'syntax = "proto3"; package shop; message Order { string id = 1; }')
const forms = await Promise.all(['', '?format=serialized'].map(async (query) => (await (await fetch(`${url}/schemas/ids/${id}${query}`)).json()).schema))
console.log(`a schema of text, asked for in binary form: ${forms[0] === forms[1] ? 'the text' : 'another answer'}`)
const field = [{ name: 'id', number: 1, type: 9, label: 1, jsonName: 'id' }]
const file = create(FileDescriptorProtoSchema, { name: 'shop.proto', package: 'shop', syntax: 'proto3', messageType: [{ name: 'Order', field }] })
const registry = createFileRegistry(file, () => undefined)
const serializer = new ProtobufSerializer(client, SerdeType.VALUE, { registry, useLatestVersion: true, autoRegisterSchemas: false })
const written = await serializer.serialize('text', create(registry.getMessage('shop.Order'), { id: 'o1' }))
console.log(`shop.Order in JavaScript: ${written.subarray(5).toString('hex')}, read: ${await tried(deserializer.deserialize('text', written))}`)

const undefinedType = await register('undefined-value', 'syntax = "proto3"; message Order { Missing total = 1; }')
console.log(`a schema with a type that is not defined: ${undefinedType.id === undefined ? 'refused' : 'taken'}`)
process.exit()
JS
{ timeout 60 java -cp 'jars/*' Main.java; timeout 60 node main.mjs; } | tee seen
cat >expected <<'TXT'
shop.Order in Java: 070a054f726465720a026f31, read as shop.Order
shop.Refund in Java: 080a06526566756e640a026f31, read as shop.Refund
shop.Order.Line in Java: Missing message type Line in the protobuf schema
shop.Refund.Order in Java: 070a054f726465720a026f31, read as shop.Order
shop.Order of Java in JavaScript: Error: message indexes are absent or malformed
a schema of text, asked for in binary form: the text
shop.Order in JavaScript: 000a026f31, read: RangeError: premature EOF
a schema with a type that is not defined: taken
TXT
diff expected seen || { echo 'CHANGED: Apicurio Registry or @confluentinc/schemaregistry behaves differently now'; exit 1; }
echo 'as described: Apicurio Registry 2.6.13 with @confluentinc/schemaregistry 1.10.1'
