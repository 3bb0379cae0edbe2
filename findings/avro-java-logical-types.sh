#!/usr/bin/env bash
# org.apache.avro:avro 1.12.2 (Maven Central), Avro of the project itself: a value that was written with one schema, read with another. Needs a JDK from
# 17 on, and Maven.
#
# Guess: a decimal whose scale has changed is converted, or refused, as the specification lets decimals match by scale and precision only, and so is a time in
#        another unit; SchemaCompatibility, which registries ask, says INCOMPATIBLE of both.
# Seen:  it says COMPATIBLE, and the bytes are read by the reader's logical type: 12.50 is 1.250 with scale 3; a text "12.50" as a decimal is 2112952865.76, the
#        number that its letters are; milliseconds as microseconds are January 1970.
# So:    what is compatible by Avro says nothing of logical types. Give a field whose scale or unit changes a new name.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
cat >pom.xml <<'XML'
<project><modelVersion>4.0.0</modelVersion><groupId>f</groupId><artifactId>f</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.avro</groupId><artifactId>avro</artifactId><version>1.12.2</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.13</version></dependency></dependencies></project>
XML
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DincludeScope=runtime -DoutputDirectory=jars >mvn.log 2>&1 ||
  { tail -20 mvn.log; exit 1; }
cat >Main.java <<'JAVA'
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import org.apache.avro.*;
import org.apache.avro.data.TimeConversions;
import org.apache.avro.generic.*;
import org.apache.avro.io.*;

public class Main {
  static final GenericData data = new GenericData();

  static Schema order(String type) {
    return new Schema.Parser().parse("{\"type\":\"record\",\"name\":\"Order\",\"fields\":[{\"name\":\"x\",\"type\":" + type + "}]}");
  }

  static void look(String what, String written, String wanted, Object value) throws Exception {
    Schema writer = order(written), reader = order(wanted);
    GenericRecord record = new GenericData.Record(writer);
    record.put("x", value);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
    new GenericDatumWriter<GenericRecord>(writer, data).write(record, encoder);
    encoder.flush();
    Object verdict = SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getType();
    Object read;
    try {
      read = new GenericDatumReader<GenericRecord>(writer, reader, data).read(null, DecoderFactory.get().binaryDecoder(bytes.toByteArray(), null)).get("x");
    } catch (Exception thrown) {
      read = "refused: " + thrown.getMessage();
    }
    System.out.println(what + ": " + verdict + ", " + value + " is read as " + read);
  }

  public static void main(String[] args) throws Exception {
    data.addLogicalTypeConversion(new Conversions.DecimalConversion());
    data.addLogicalTypeConversion(new TimeConversions.TimestampMillisConversion());
    data.addLogicalTypeConversion(new TimeConversions.TimestampMicrosConversion());
    String decimal = "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":30,\"scale\":%d}";
    look("a decimal of scale 2 with scale 3", String.format(decimal, 2), String.format(decimal, 3), new BigDecimal("12.50"));
    look("a text as a decimal of scale 2", "\"string\"", String.format(decimal, 2), "12.50");
    String at = "{\"type\":\"long\",\"logicalType\":\"timestamp-%s\"}";
    look("milliseconds as microseconds", String.format(at, "millis"), String.format(at, "micros"), java.time.Instant.parse("2026-11-29T10:00:00Z"));
    look("a text as a whole number", "\"string\"", "\"int\"", "12");
  }
}
JAVA
cat >expected <<'TXT'
a decimal of scale 2 with scale 3: COMPATIBLE, 12.50 is read as 1.250
a text as a decimal of scale 2: COMPATIBLE, 12.50 is read as 2112952865.76
milliseconds as microseconds: COMPATIBLE, 2026-11-29T10:00:00Z is read as 1970-01-21T18:52:26.400Z
a text as a whole number: INCOMPATIBLE, 12 is read as refused: Found string, expecting int
TXT
timeout 120 java -XX:TieredStopAtLevel=1 -cp 'jars/*' Main.java | tee seen
diff expected seen || { echo 'CHANGED: Avro in Java reads differently now'; exit 1; }
echo 'as described: org.apache.avro:avro 1.12.2'
