import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What save.ts does, for programs in Java. One customer of each partition takes longer, so that others are ahead. */
final class Store {
  private static final Pattern ID = Pattern.compile("\"id\":\"(\\d+-(\\d+))\"");

  static void save(String order) {
    Matcher found = ID.matcher(order);
    if (!found.find()) throw new IllegalArgumentException(order);
    boolean isSlow = Integer.parseInt(found.group(2)) % 20 == 1;
    try {
      Thread.sleep((Long.parseLong(System.getenv("SAVE_MS")) + 1) * (isSlow ? 10 : 1));
      Path saved = Path.of(System.getenv("SAVED"));
      String line = found.group(1) + " " + ProcessHandle.current().pid() + "\n";
      Files.writeString(saved, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }
}
