package dev.graft.constrain;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Values of {@code format} that are kept, as patterns. */
enum StringFormat {
  /** RFC 3339 full-date, each month with its days. */
  DATE("date", "^" + Parts.DATE + "$"),
  /** RFC 3339 full-time, without leap seconds. */
  TIME("time", "^" + Parts.TIME + "$"),
  /** RFC 3339 date-time, without leap seconds. */
  DATE_TIME("date-time", "^" + Parts.DATE + "T" + Parts.TIME + "$"),
  /** RFC 4122. */
  UUID("uuid", "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"),
  /** Addresses of letters, digits and {@code _+-.} at a host with a dot. */
  EMAIL(
      "email",
      "^[A-Za-z0-9_+-]{1,20}(\\.[A-Za-z0-9_+-]{1,20}){0,2}@([a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?\\.){1,3}[a-z]{2,6}$"),
  /** Four decimal bytes. */
  IPV4(
      "ipv4",
      "^((25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)\\.){3}(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)$");

  private static final class Parts {
    private static final String LEAP =
        "(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)";
    private static final String DATE =
        "(\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)"
            + "|02-(0[1-9]|1\\d|2[0-8]))|"
            + LEAP
            + "-02-29)";
    private static final String TIME =
        "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-](0\\d|1[0-7]):[0-5]\\d)";
  }

  private final String keyword;
  private final String pattern;

  StringFormat(String keyword, String pattern) {
    this.keyword = keyword;
    this.pattern = pattern;
  }

  String pattern() {
    return pattern;
  }

  static Optional<StringFormat> named(String keyword) {
    return Arrays.stream(values()).filter(f -> f.keyword.equals(keyword)).findFirst();
  }

  static List<String> known() {
    return Arrays.stream(values()).map(f -> f.keyword).toList();
  }
}
