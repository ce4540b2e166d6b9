package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import java.math.BigDecimal;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Amounts of memory as users write and read them: GB is 10⁹ bytes, GiB 2³⁰. */
final class ByteSize {
  private static final Pattern FORM = Pattern.compile("(\\d+(?:\\.\\d+)?) *([kmgt]?i?b)?");

  private static final Map<String, Long> UNITS =
      Map.of(
          "b",
          1L,
          "kb",
          1_000L,
          "mb",
          1_000_000L,
          "gb",
          1_000_000_000L,
          "tb",
          1_000_000_000_000L,
          "kib",
          1L << 10,
          "mib",
          1L << 20,
          "gib",
          1L << 30,
          "tib",
          1L << 40);

  private ByteSize() {}

  /**
   * Reads {@code 24GB}, {@code 24GiB}, {@code 512MB} or a number of bytes.
   *
   * @param option names it in errors
   * @throws InvalidInputException if it is no size above 0
   */
  static long parse(String option, String text) {
    Matcher matcher = FORM.matcher(text.strip().toLowerCase(Locale.ROOT));
    if (matcher.matches()) {
      String unit = matcher.group(2) == null ? "b" : matcher.group(2);
      BigDecimal bytes =
          new BigDecimal(matcher.group(1)).multiply(new BigDecimal(UNITS.getOrDefault(unit, 0L)));
      if (bytes.signum() > 0 && bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) < 0) {
        return bytes.longValue();
      }
    }
    throw new InvalidInputException(
        option + " is '" + text + "'; give a size such as 24GB, 24GiB or 512MB");
  }

  /** Three to four digits with a decimal unit. */
  static String print(long bytes) {
    if (bytes < 1_000) {
      return bytes + " B";
    }
    double value = bytes;
    String unit = "";
    for (String next : new String[] {"kB", "MB", "GB", "TB"}) {
      if (value >= 999.5) {
        value /= 1000;
        unit = next;
      }
    }
    return String.format(Locale.ROOT, value < 100 ? "%.2f %s" : "%.1f %s", value, unit);
  }
}
