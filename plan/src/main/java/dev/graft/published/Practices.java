package dev.graft.published;

import dev.graft.cluster.Fields;
import java.util.Locale;
import java.util.Optional;

/**
 * What the software of published runs did, table by table, as its authors describe it. Nothing here
 * is fitted.
 *
 * @param tables by family
 */
record Practices(Fields tables) {
  private static final String FLASH_ATTENTION = "2205.14135";

  /**
   * What a table's software does.
   *
   * @param causal whether printed FLOPs count half of the scores
   * @param gradientBytes a parameter, as gradients are exchanged
   * @param why what the model leaves out, where its rows are known to be off
   */
  record Practice(
      boolean fusedAttention,
      boolean hidesTensorParallel,
      boolean hidesDataParallel,
      boolean hidesAllToAll,
      boolean oncePerNode,
      int gathersPerLayer,
      boolean causal,
      int gradientBytes,
      Optional<String> why) {}

  private String otherwise(String family, Fields row) {
    if (tables.has(family)) {
      return family;
    }
    boolean early =
        row.has("source")
            && row.at("source")
                .optionalText("arxiv")
                .filter(id -> id.compareTo(FLASH_ATTENTION) < 0)
                .isPresent();
    return early ? "before-flash-attention" : "default";
  }

  /** Whether a group's rows were used to fit the constants. */
  boolean fitted(String group) {
    return tables.text("fitted").lines().anyMatch(group::equals);
  }

  static Practices shipped() {
    return new Practices(Fields.resource(Practices.class, "practices.yaml"));
  }

  Practice of(Fields row) {
    String family = row.text("family");
    String named = row.optionalText("method").orElse(row.text("group")).toLowerCase(Locale.ROOT);
    String closer = family + "/" + named.replace(' ', '-');
    Fields table = tables.at(tables.has(closer) ? closer : otherwise(family, row));
    return new Practice(
        table.flag("fused_attention", true),
        table.flag("hides_tensor_parallel", true),
        table.flag("hides_data_parallel", true),
        table.flag("hides_all_to_all", false),
        table.flag("once_per_node", false),
        table.whole("gathers_per_layer", 1, 1),
        table.flag("causal", false),
        table.whole("gradient_bytes", 2, 4),
        table.optionalText("why"));
  }
}
