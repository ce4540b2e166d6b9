package dev.graft.inference;

import dev.graft.cluster.Fields;
import dev.graft.layout.WeightScheme;
import java.util.Locale;
import java.util.Optional;

/**
 * A serving rate that others published.
 *
 * @param tokensPerSecond of all devices together
 * @param source where it stands
 */
public record PublishedRate(double tokensPerSecond, String source) {
  /**
   * The rate of a model on devices.
   *
   * @param model a shape that ships, by its name
   * @param cluster one that ships, by its name, without a count
   */
  public static Optional<PublishedRate> of(
      String model, String cluster, int devices, WeightScheme weights) {
    for (Fields row : Fields.resource(PublishedRate.class, "published.yaml").list("rows")) {
      if (row.text("model").equals(model)
          && row.text("cluster").equals(cluster)
          && row.whole("devices", 1) == devices
          && row.text("weights").equals(weights.name().toLowerCase(Locale.ROOT))) {
        return Optional.of(
            new PublishedRate(row.positive("tokens_per_second"), row.text("source")));
      }
    }
    return Optional.empty();
  }
}
