package dev.graft.cluster;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads a cluster: a name that ships, with a number of devices behind it or not ({@code a800},
 * {@code a800x1536}), or a YAML file.
 */
public final class ClusterReader {
  /** The clusters that ship, each a file {@code NAME.yaml} beside this class. */
  public static final List<String> NAMES =
      List.of("a100", "a800", "h100", "h800", "h200", "4090", "cpu");

  private static final Pattern COUNTED = Pattern.compile("(.+?)[x×](\\d{1,7})");

  private ClusterReader() {}

  /**
   * By name or file.
   *
   * @throws InvalidInputException if there is no such name or file, or it cannot be used
   */
  public static Cluster read(String nameOrFile) throws IOException {
    if (NAMES.contains(nameOrFile)) {
      return named(nameOrFile);
    }
    Matcher counted = COUNTED.matcher(nameOrFile);
    if (counted.matches() && NAMES.contains(counted.group(1))) {
      return named(counted.group(1)).resized(Integer.parseInt(counted.group(2)));
    }
    if (!Files.isRegularFile(Path.of(nameOrFile))) {
      throw new InvalidInputException(
          "--cluster is '%s', which is neither a file nor one of %s (with a count: a800x1536)"
              .formatted(nameOrFile, String.join(", ", NAMES)));
    }
    return of(Fields.read(Path.of(nameOrFile)));
  }

  /** One that ships. */
  public static Cluster named(String name) {
    return of(Fields.resource(ClusterReader.class, name + ".yaml"));
  }

  /** From what was read. */
  public static Cluster of(Fields fields) {
    fields.only("name", "devices", "node_size", "inside", "between");
    List<Cluster.Kind> kinds = new ArrayList<>();
    for (Fields kind : fields.list("devices")) {
      kind.only("name", "count", "memory", "peak", "memory_bandwidth", "achievable");
      kinds.add(new Cluster.Kind(device(kind), kind.whole("count", 1)));
    }
    return new Cluster(
        fields.text("name"),
        kinds,
        fields.whole("node_size", 1),
        link(fields.at("inside")),
        link(fields.at("between")));
  }

  private static Device device(Fields fields) {
    Fields rates = fields.at("peak");
    Map<ComputeType, Double> peak = new EnumMap<>(ComputeType.class);
    for (String key : rates.keys()) {
      peak.put(ComputeType.of(rates.where(key), key), rates.positive(key));
    }
    OptionalDouble achievable = OptionalDouble.empty();
    if (fields.has("achievable")) {
      achievable = OptionalDouble.of(fields.positive("achievable"));
      if (achievable.getAsDouble() > 1) {
        throw new InvalidInputException(
            fields.where("achievable") + " is above 1; give the share of the peak that is reached");
      }
    }
    return new Device(
        fields.text("name"),
        fields.positive("memory"),
        peak,
        fields.positive("memory_bandwidth"),
        achievable);
  }

  private static Link link(Fields fields) {
    fields.only("bandwidth", "latency");
    return new Link(fields.positive("bandwidth"), fields.notNegative("latency"));
  }
}
