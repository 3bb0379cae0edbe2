import io.confluent.parallelconsumer.offsets.OffsetEncoding;
import io.confluent.parallelconsumer.offsets.OffsetSimultaneousEncoder;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongPredicate;

/** Writes offset maps with the encoders of Confluent's Parallel Consumer, each in every encoding that there is, as a line of JSON. `incomplete`: distances from the position. */
public final class ParallelConsumerVectors {
  public static void main(String[] args) throws Exception {
    // Of small maps, too.
    OffsetSimultaneousEncoder.compressionForced = true;
    long[] random = {7};
    write("one stuck", 100, 105, distance -> distance == 0);
    write("two stuck", 100, 105, distance -> distance == 0 || distance == 3);
    write("ten keys in rotation, one stuck", 5, 1_560, distance -> distance % 10 == 0);
    write("every second", 0, 2_000, distance -> distance % 2 == 0);
    write("a third at random", 1_000_000_000_000L, 1_000_000_000_600L, distance -> distance == 0 || next(random) < 0.33);
    write("one stuck below a long window", 5, 50_000, distance -> distance == 0);
    write("every thousandth of a long window", 3, 60_003, distance -> distance % 1_000 == 0);
  }

  private static double next(long[] state) {
    state[0] = (state[0] * 1_103_515_245 + 12_345) & 0x7fffffff;
    return (state[0] >>> 8) / (double) (0x7fffffff >>> 8);
  }

  private static void write(String what, long base, long high, LongPredicate isIncomplete) throws Exception {
    SortedSet<Long> incomplete = new TreeSet<>();
    List<Long> distances = new ArrayList<>();
    for (long offset = base; offset < high; offset++) {
      if (!isIncomplete.test(offset - base)) continue;
      incomplete.add(offset);
      distances.add(offset - base);
    }
    Map<OffsetEncoding, byte[]> encoded =
        new TreeMap<>(new OffsetSimultaneousEncoder(base, high, incomplete).invoke().getEncodingMap());
    List<String> texts = new ArrayList<>();
    for (Map.Entry<OffsetEncoding, byte[]> each : encoded.entrySet()) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      bytes.write(each.getKey().getMagicByte());
      bytes.write(each.getValue());
      String text = Base64.getEncoder().encodeToString(bytes.toByteArray());
      // No broker stores more.
      if (text.length() <= 4_096) texts.add("\"" + each.getKey().name() + "\":\"" + text + "\"");
    }
    System.out.println(
        "{\"what\":\"" + what + "\",\"position\":" + base + ",\"highest\":" + high + ",\"incomplete\":" + distances
            + ",\"texts\":{" + String.join(",", texts) + "}}");
  }
}
